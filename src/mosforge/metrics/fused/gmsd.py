"""GMSD: Xue et al. (2014), Gradient Magnitude Similarity Deviation, IEEE TIP 23(2), as piq computes it."""

import math

from mosforge.metrics.fused.compilation import F32, Map, kernel
from mosforge.metrics.fused.features import Features, Reference
from mosforge.metrics.fused.gradients import PREWITT_MIDDLE, PREWITT_SIDE, gradient, squared_length

_T = F32(170)  # for samples in 0..255


def gmsd(reference: Reference, distorted: Features) -> float:
    """0: equal; larger is worse."""
    return _deviation(distorted.gmsd_luma, reference.gmsd_gradient)


@kernel
def _deviation(luma: Map, expected: Map) -> float:
    """The standard deviation of d = 1 - similarity = (m - r)**2 / (m**2 + r**2 + T) (eq. 4 and 6).

    The similarity itself is near 1, where float32 has few digits left; d has all of them.
    """
    height, width = expected.shape
    total, squares = 0.0, 0.0
    for i in range(height):
        above, here, below, row = luma[i], luma[i + 1], luma[i + 2], expected[i]
        row_total, row_squares = F32(0), F32(0)
        for j in range(width):
            gx, gy = gradient(above, here, below, j, PREWITT_SIDE, PREWITT_MIDDLE)
            m2 = squared_length(gx, gy)
            r = row[j]
            difference = math.sqrt(m2) - r
            d = difference * difference / (m2 + r * r + _T)
            row_total += d
            row_squares += d * d
        total += float(row_total)
        squares += float(row_squares)
    count = height * width
    return math.sqrt(max(squares / count - (total / count) ** 2, 0.0))
