"""CIE L*a*b* of sRGB, as piq converts it: D65 primaries over the D50 white of the 2 degree observer."""

import numpy as np

from mosforge.metrics.fused.compilation import F32, Map, inline, kernel
from mosforge.metrics.fused.powers import power

_WHITE_X, _WHITE_Z = 0.9642119944211994, 0.8251882845188288
_KNEE = F32(0.008856)
_SLOPE, _OFFSET = F32(903.3 / 116), F32(16 / 116)
_THIRD = F32(1 / 3)


@inline
def _linear(sample: F32) -> F32:
    """The sRGB transfer function, undone."""
    curved = power((sample + F32(0.055)) * F32(1 / 1.055), F32(2.4))
    return sample * F32(1 / 12.92) if sample <= F32(0.04045) else curved


@inline
def _lightness(ratio: F32) -> F32:
    """CIE's cube root with a linear foot."""
    root = power(max(ratio, F32(1e-3)), _THIRD)
    return root if ratio > _KNEE else _SLOPE * ratio + _OFFSET


@kernel
def to_lab(rgb: Map, lab: Map) -> tuple[float, float, float, float]:
    """Converts planes (3, h, w) in [0, 1]; returns the least and greatest a*, then those of b*."""
    _, height, width = rgb.shape
    r, g, b = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    a_low, b_low = np.full(width, np.inf, np.float32), np.full(width, np.inf, np.float32)
    a_high, b_high = np.full(width, -np.inf, np.float32), np.full(width, -np.inf, np.float32)
    for i in range(height):
        # One colour at a time: all three in one loop need more registers than there are.
        for j in range(width):
            r[j] = _linear(rgb[0, i, j])
        for j in range(width):
            g[j] = _linear(rgb[1, i, j])
        for j in range(width):
            b[j] = _linear(rgb[2, i, j])
        row_l, row_a, row_b = lab[0, i], lab[1, i], lab[2, i]
        for j in range(width):
            x = F32(0.4124564) * r[j] + F32(0.3575761) * g[j] + F32(0.1804375) * b[j]
            y = F32(0.2126729) * r[j] + F32(0.7151522) * g[j] + F32(0.0721750) * b[j]
            z = F32(0.0193339) * r[j] + F32(0.1191920) * g[j] + F32(0.9503041) * b[j]
            fx = _lightness(x * F32(1 / _WHITE_X))
            fy = _lightness(y)
            fz = _lightness(z * F32(1 / _WHITE_Z))
            row_l[j] = F32(116) * fy - F32(16)
            row_a[j] = F32(500) * (fx - fy)
            row_b[j] = F32(200) * (fy - fz)
        for j in range(width):
            a_low[j], a_high[j] = min(a_low[j], row_a[j]), max(a_high[j], row_a[j])
            b_low[j], b_high[j] = min(b_low[j], row_b[j]), max(b_high[j], row_b[j])
    return a_low.min(), a_high.max(), b_low.min(), b_high.max()
