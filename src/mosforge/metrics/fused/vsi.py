"""VSI: Zhang et al. (2014), Visual Saliency-Induced Index, IEEE TIP 23(10), as piq computes it."""

import math

import numpy as np

from mosforge.metrics.fused.compilation import F32, Map, kernel
from mosforge.metrics.fused.features import Features, Reference
from mosforge.metrics.fused.gradients import SCHARR_MIDDLE, SCHARR_SIDE, gradient, squared_length
from mosforge.metrics.fused.powers import exp2, log2

_C1, _C2, _C3 = F32(1.27), F32(386), F32(130)
_ALPHA, _BETA = F32(0.4), F32(0.02)
_TURN = F32(math.cos(math.pi * 0.02))  # the real part of (-1)**beta
_EPSILON = float(np.finfo(np.float64).eps)


def vsi(reference: Reference, distorted: Features) -> float:
    """1: equal; smaller is worse. Two flat images give 1: nothing in either is salient."""
    expected = reference.features
    return _pooled(distorted.lmn, distorted.saliency, expected.lmn, expected.saliency, reference.lmn_gradient)


@kernel
def _pooled(maps: Map, saliency: Map, expected: Map, expected_saliency: Map, gradients: Map) -> float:
    """The similarity of saliency, gradient and chroma, weighted by the larger saliency (eq. 3 to 9)."""
    height, width = saliency.shape
    numerator, denominator = 0.0, 0.0
    for i in range(height):
        above, here, below = maps[0, i], maps[0, i + 1], maps[0, i + 2]
        m, n, rm, rn = maps[1, i + 1], maps[2, i + 1], expected[1, i + 1], expected[2, i + 1]
        row_saliency, row_expected, row_gradient = saliency[i], expected_saliency[i], gradients[i]
        row_numerator, row_denominator = F32(0), F32(0)
        for j in range(width):
            gx, gy = gradient(above, here, below, j, SCHARR_SIDE, SCHARR_MIDDLE)
            g2 = squared_length(gx, gy)
            g, r = math.sqrt(g2), row_gradient[j]
            p, q = row_saliency[j], row_expected[j]
            a, b, c, d = m[j + 1], rm[j + 1], n[j + 1], rn[j + 1]
            salience, length = p * p + q * q + _C1, g2 + r * r + _C2
            colour = (a * a + b * b + _C3) * (c * c + d * d + _C3)
            # Three quotients from one division, which costs as much as a dozen products
            rest = F32(1) / (salience * length * colour)
            salient = (F32(2) * p * q + _C1) * rest * (length * colour)
            edges = (F32(2) * g * r + _C2) * rest * (salience * colour)
            chroma = (F32(2) * a * b + _C3) * (F32(2) * c * d + _C3) * rest * (salience * length)
            raised = exp2(_ALPHA * log2(edges) + _BETA * log2(max(abs(chroma), F32(1e-30))))
            turn = F32(1) if chroma > F32(0) else (_TURN if chroma < F32(0) else F32(0))
            weight = max(p, q)
            row_denominator += weight
            row_numerator += salient * weight * turn * raised
        numerator += float(row_numerator)
        denominator += float(row_denominator)
    return (numerator + _EPSILON) / (denominator + _EPSILON)
