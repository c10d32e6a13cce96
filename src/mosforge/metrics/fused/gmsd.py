"""GMSD: Xue et al. (2014), Gradient Magnitude Similarity Deviation, IEEE TIP 23(2), as piq computes it.

Its gradients, by the 3x3 Scharr and Prewitt operators, are those of the other metrics as well. They look at
maps with a border of one zero pixel.
"""

import math

from mosforge.metrics.fused.compilation import F32, Map, exact, inline, kernel

PREWITT = F32(1 / 3), F32(1 / 3)
SCHARR = F32(3 / 16), F32(10 / 16)
"""The weights of the outer rows or columns, and of the middle one."""

_T = F32(170)  # for samples in 0..255


@inline
def squared_length(x: F32, y: F32) -> F32:
    return x * x + y * y


@inline
def gradient(above: Map, here: Map, below: Map, j: int, weights: tuple[F32, F32]) -> tuple[F32, F32]:
    """Horizontal and vertical derivative at inner column j of three neighbouring bordered rows."""
    side, middle = weights
    gx = (above[j + 2] - above[j] + below[j + 2] - below[j]) * side + (here[j + 2] - here[j]) * middle
    gy = (below[j] - above[j] + below[j + 2] - above[j + 2]) * side + (below[j + 1] - above[j + 1]) * middle
    return gx, gy


@exact
def gradient_maps(bordered: Map, weights: tuple[F32, F32], gradients: Map) -> None:
    """Both derivatives and the gradient magnitude, (3, h, w), of a bordered map (h + 2, w + 2)."""
    for i in range(gradients.shape[1]):
        above, here, below = bordered[i], bordered[i + 1], bordered[i + 2]
        row_x, row_y, row = gradients[0, i], gradients[1, i], gradients[2, i]
        for j in range(gradients.shape[2]):
            x, y = gradient(above, here, below, j, weights)
            row_x[j] = x
            row_y[j] = y
            row[j] = math.sqrt(squared_length(x, y))


@kernel
def gmsd(luma: Map, expected: Map) -> float:
    """The standard deviation of d = 1 - similarity = (m - r)**2 / (m**2 + r**2 + T) (eq. 4 and 6).

    The similarity itself is near 1, where float32 has few digits left; d has all of them.

    `luma` is in 0..255 and bordered, and `expected` the gradient magnitude of the reference image; 0: equal.
    """
    height, width = expected.shape
    total, squares = 0.0, 0.0
    for i in range(height):
        above, here, below, row = luma[i], luma[i + 1], luma[i + 2], expected[i]
        row_total, row_squares = F32(0), F32(0)
        for j in range(width):
            gx, gy = gradient(above, here, below, j, PREWITT)
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
