"""FSIMc: Zhang et al. (2011), FSIM: A Feature Similarity Index, IEEE TIP 20(8), as piq computes it."""

import math

from mosforge.metrics.fused.compilation import F32, Map, kernel
from mosforge.metrics.fused.features import Features, Reference
from mosforge.metrics.fused.gradients import SCHARR_MIDDLE, SCHARR_SIDE, gradient, squared_length
from mosforge.metrics.fused.powers import power

_T1, _T2, _T3 = F32(0.85), F32(160), F32(200)
_LAMBDA = F32(0.03)


def fsim(reference: Reference, distorted: Features) -> float:
    """1: equal; smaller is worse.

    The one value that differs from piq's, of all six: FSIM with a flat image (of one colour), whose phase
    congruency is 0 / 0. Ours is 1 everywhere, the quotient of the two epsilons that piq adds, as in exact
    arithmetic. piq gives that where its transform of a constant is exact (all sides, once pooled, products
    of 2 and 3), and elsewhere divides one rounding error by another: two colours of 200x192 pixels get .846
    in float64 and .907 in float32; ours is .908, there and at 192x192, where piq agrees.
    """
    expected = reference.features
    return _pooled(distorted.yiq, distorted.phase, expected.yiq, expected.phase, reference.yiq_gradient)


@kernel
def _pooled(maps: Map, phase: Map, expected: Map, expected_phase: Map, gradients: Map) -> float:
    """The similarity of phase, gradient and chroma, weighted by the larger phase congruency (eq. 4 to 11)."""
    height, width = phase.shape
    numerator, denominator = 0.0, 0.0
    for i in range(height):
        above, here, below = maps[0, i], maps[0, i + 1], maps[0, i + 2]
        in_phase, quadrature = maps[1, i + 1], maps[2, i + 1]
        expected_in_phase, expected_quadrature = expected[1, i + 1], expected[2, i + 1]
        row_phase, row_expected_phase, row_gradient = phase[i], expected_phase[i], gradients[i]
        row_numerator, row_denominator = F32(0), F32(0)
        for j in range(width):
            gx, gy = gradient(above, here, below, j, SCHARR_SIDE, SCHARR_MIDDLE)
            g2 = squared_length(gx, gy)
            g, r = math.sqrt(g2), row_gradient[j]
            p, q = row_phase[j], row_expected_phase[j]
            a, b = in_phase[j + 1], expected_in_phase[j + 1]
            c, d = quadrature[j + 1], expected_quadrature[j + 1]
            structure_base = (g2 + r * r + _T2) * (p * p + q * q + _T1)
            chroma_base = (a * a + b * b + _T3) * (c * c + d * d + _T3)
            # Both quotients from one division, which costs as much as a dozen products
            rest = F32(1) / (structure_base * chroma_base)
            structure = (F32(2) * g * r + _T2) * (F32(2) * p * q + _T1) * (rest * chroma_base)
            chroma = abs((F32(2) * a * b + _T3) * (F32(2) * c * d + _T3) * (rest * structure_base))
            weight = max(p, q)
            raised = power(max(chroma, F32(1e-30)), _LAMBDA)
            row_denominator += weight
            row_numerator += structure * weight * (raised if chroma > F32(0) else F32(0))
        numerator += float(row_numerator)
        denominator += float(row_denominator)
    return numerator / denominator
