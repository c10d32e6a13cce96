"""VSI: Zhang et al. (2014), Visual Saliency-Induced Index, IEEE TIP 23(10), as piq computes it.

Its saliency map is SDSP (Zhang et al. 2013, ICIP), computed on images shrunk to 256x256.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mosforge.metrics.fused.compilation import F32, Bytes, Grid, Map, aligned, exact, inline, kernel
from mosforge.metrics.fused.fourier import filter_pair, frequencies
from mosforge.metrics.fused.gmsd import SCHARR, gradient, squared_length
from mosforge.metrics.fused.pooling import Pooling, pool_row
from mosforge.metrics.fused.powers import exp2, log2, power

_C1, _C2, _C3 = F32(1.27), F32(386), F32(130)
_ALPHA, _BETA = F32(0.4), F32(0.02)
_TURN = F32(math.cos(math.pi * 0.02))  # the real part of (-1)**beta
_EPSILON = float(np.finfo(np.float64).eps)

SIZE = 256
_SHARPNESS = F32(1e6 / math.log(2))  # exp(-x / 0.001**2) = 2**(-x * _SHARPNESS)

# Of CIE L*a*b*; see `to_lab`.
_WHITE_X, _WHITE_Z = 0.9642119944211994, 0.8251882845188288
_KNEE = F32(0.008856)
_SLOPE, _OFFSET = F32(903.3 / 116), F32(16 / 116)
_THIRD = F32(1 / 3)


@kernel
def vsi(maps: Map, saliency: Map, expected: Map, expected_saliency: Map, gradients: Map) -> float:
    """The similarity of saliency, gradient and chroma, weighted by the larger saliency (eq. 3 to 9).

    `maps` are L, M and N, bordered, and `gradients` the magnitudes of the reference image; 1: equal. Two flat
    images give 1: nothing in either is salient.
    """
    height, width = saliency.shape
    numerator, denominator = 0.0, 0.0
    for i in range(height):
        above, here, below = maps[0, i], maps[0, i + 1], maps[0, i + 2]
        m, n, rm, rn = maps[1, i + 1], maps[2, i + 1], expected[1, i + 1], expected[2, i + 1]
        row_saliency, row_expected, row_gradient = saliency[i], expected_saliency[i], gradients[i]
        row_numerator, row_denominator = F32(0), F32(0)
        for j in range(width):
            gx, gy = gradient(above, here, below, j, SCHARR)
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


def _band_pass() -> Grid:
    """SDSP's isotropic log-Gabor transfer function: centre 0.021 cycles a pixel, sigma_f 1.34, no corners."""
    steps = frequencies(SIZE)
    radius = np.hypot(steps[:, None], steps[None, :])
    # Beyond the circle piq's radius is 0, and exp(-log(0)**2) is 0.
    inside = (radius <= 0.5) & (radius > 0)
    exponent = -(np.log(np.where(inside, radius, 1) / 0.021) ** 2) / (2 * 1.34**2)
    return np.where(inside, np.exp(exponent), 0)


class SaliencyGeometry:
    """What all images of one size share."""

    def __init__(self, height: int, width: int, pooling: Pooling) -> None:
        self.pooling = pooling
        shrink, enlarge = partial(positions, align_corners=False), partial(positions, align_corners=True)
        self.shrinking = shrink(SIZE, height), shrink(SIZE, width)
        self.enlarging = enlarge(height, SIZE), enlarge(width, SIZE)
        self.band_pass = (_band_pass() / SIZE**2).astype(np.float32)
        squares = (np.arange(SIZE) - SIZE / 2 + 1) ** 2  # piq adds 1
        self.bias = np.exp(-(squares[:, None] + squares[None, :]) / 145.0**2).astype(np.float32)
        """The preference for the centre, sigma 145."""


class Saliency:
    """Computes the saliency of one image at a time, in its own buffers."""

    def __init__(self, geometry: SaliencyGeometry) -> None:
        self._geometry = geometry
        self._rgb, self._lab = aligned((3, SIZE, SIZE)), aligned((3, SIZE, SIZE))
        self._lightness, self._chroma, self._buffer = (aligned((SIZE, SIZE, 2)) for _ in range(3))
        self._map = aligned((SIZE, SIZE))

    def compute(self, planes: Map | Bytes, out: Map) -> None:
        """The saliency of uint8 planes (3, H, W), in [0, 1], pooled as the colours of VSI are.

        A flat image has no salient place: 0 everywhere. piq gives the same where its interpolation of a
        constant is exact, and elsewhere its rounding errors, stretched to [0, 1].
        """
        geometry, lab = self._geometry, self._lab
        resize(planes, *geometry.shrinking, self._rgb)
        to_lab(self._rgb, lab)
        # The filter does not pass the mean; less a corner, a flat image is exactly 0.
        np.subtract(lab[0], lab[0, 0, 0], out=self._lightness[..., 0])
        self._lightness[..., 1] = 0
        np.subtract(lab[1], lab[1, 0, 0], out=self._chroma[..., 0])
        np.subtract(lab[2], lab[2, 0, 0], out=self._chroma[..., 1])
        for pair in (self._lightness, self._chroma):
            filter_pair(pair, geometry.band_pass, self._buffer)
        lowest, highest = lab[1:].min(axis=(1, 2)), lab[1:].max(axis=(1, 2))
        _combine(self._lightness, self._chroma, lab, geometry.bias, lowest, highest, self._map)
        factor, shift = geometry.pooling.factor, geometry.pooling.shift
        _enlarge_and_pool(self._map, *geometry.enlarging, factor, shift, out)


class Positions(NamedTuple):
    """For each output sample, the input samples on both sides and the second one's weight."""

    before: npt.NDArray[np.intp]
    after: npt.NDArray[np.intp]
    weight: Map


def positions(count: int, source: int, *, align_corners: bool) -> Positions:
    """Positions of `count` output samples among `source` input samples."""
    steps = np.arange(count)
    if align_corners:
        place = steps * ((source - 1) / (count - 1))
    else:
        place = np.maximum((steps + 0.5) * (source / count) - 0.5, 0)
    before = np.minimum(np.floor(place).astype(np.intp), source - 1)
    return Positions(before, np.minimum(before + 1, source - 1), (place - before).astype(np.float32))


@kernel
def resize(planes: Map | Bytes, rows: Positions, columns: Positions, out: Map) -> None:
    """Resizes (3, H, W) planes, uint8 in 0..255, to (3, h, w) in [0, 1].

    The form a + (b - a) * weight keeps constant regions constant to the last bit.
    """
    width = planes.shape[2]
    blend = np.empty(width, np.float32)
    scale = F32(1 / 255)
    for c in range(planes.shape[0]):
        for i in range(out.shape[1]):
            above, below, weight = planes[c, rows.before[i]], planes[c, rows.after[i]], rows.weight[i]
            for j in range(width):
                blend[j] = F32(above[j]) + (F32(below[j]) - F32(above[j])) * weight
            row = out[c, i]
            for j in range(out.shape[2]):
                left = blend[columns.before[j]]
                row[j] = (left + (blend[columns.after[j]] - left) * columns.weight[j]) * scale


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
def to_lab(rgb: Map, lab: Map) -> None:
    """Converts planes (3, h, w) from RGB in [0, 1] to CIE L*a*b*."""
    _, height, width = rgb.shape
    linear = np.empty((3, width), np.float32)
    r, g, b = linear[0], linear[1], linear[2]
    for i in range(height):
        for c in range(3):  # one at a time: all three in one loop need more registers than there are
            for j in range(width):
                linear[c, j] = _linear(rgb[c, i, j])
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


@exact
def _inverse(extent: F32) -> F32:
    """1 / (extent + piq's epsilon); 0 where there is no extent, so that nothing is multiplied with 1e16."""
    return F32(1) / (extent + F32(_EPSILON)) if extent > F32(0) else F32(0)


@kernel
def _combine(lightness: Map, chroma: Map, lab: Map, bias: Map, lowest: Map, highest: Map, out: Map) -> None:
    """Band-passed colour contrast x central bias x warm colours (eq. 1 to 5 of the SDSP paper).

    `lightness` (h, w, 2) is the response to L* and to nothing, `chroma` that to a* and b*, whose extremes
    are `lowest` and `highest`.
    """
    a_low, b_low = lowest[0], lowest[1]
    a_scale, b_scale = _inverse(highest[0] - a_low), _inverse(highest[1] - b_low)
    for i in range(out.shape[0]):
        light, colour = lightness[i], chroma[i]
        a, b, centre, row = lab[1, i], lab[2, i], bias[i], out[i]
        for j in range(out.shape[1]):
            p, q = (a[j] - a_low) * a_scale, (b[j] - b_low) * b_scale
            warmth = F32(1) - exp2(-(p * p + q * q) * _SHARPNESS)
            warmth = max(warmth, F32(0))  # the polynomial of 2**0 may exceed 1 by a rounding error
            x, y, z = light[j, 0], colour[j, 0], colour[j, 1]
            row[j] = math.sqrt(x * x + y * y + z * z) * centre[j] * warmth


@kernel
def _enlarge_and_pool(
    small: Map, rows: Positions, columns: Positions, factor: int, shift: int, out: Map
) -> None:
    """Enlarges to (H, W), stretches to [0, 1] there, and pools to `out` with replicated borders.

    The full map is never stored: each of its rows goes into the extremes and into the sums of the pooled
    row that it belongs to; the first and the last one count for the border as well.
    """
    height, width = rows.weight.shape[0], columns.weight.shape[0]
    wide = np.empty((small.shape[0], width), np.float32)
    for i in range(small.shape[0]):
        row, target = small[i], wide[i]
        for j in range(width):
            left = row[columns.before[j]]
            target[j] = left + (row[columns.after[j]] - left) * columns.weight[j]
    sums = np.zeros(width, np.float32)
    lows = np.full(width, np.inf, np.float32)
    highs = np.full(width, -np.inf, np.float32)
    scale = F32(1.0 / (factor * factor))
    for i in range(height):
        above, below, weight = wide[rows.before[i]], wide[rows.after[i]], rows.weight[i]
        target = (i + shift) // factor
        copies = F32(1)
        if i == 0:
            copies += F32(shift)
        if i == height - 1:
            copies += F32(max(out.shape[0] * factor - shift - height, 0))
        for j in range(width):
            value = above[j] + (below[j] - above[j]) * weight
            lows[j] = min(lows[j], value)
            highs[j] = max(highs[j], value)
            sums[j] += value * copies
        if target < out.shape[0] and ((i + shift) % factor == factor - 1 or i == height - 1):
            pool_row(sums, out[target], factor, shift, True, scale)
            sums[:] = 0
    low, high = lows.min(), highs.max()
    stretch = _inverse(high - low)
    for i in range(out.shape[0]):
        row = out[i]
        for j in range(out.shape[1]):
            row[j] = (row[j] - low) * stretch
