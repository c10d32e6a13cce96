"""The saliency map of VSI: SDSP (Zhang et al. 2013, ICIP), on pictures shrunk to 256x256."""

import math

import numpy as np

from mosforge.metrics.fused.buffers import aligned
from mosforge.metrics.fused.compilation import F32, Bytes, Map, exact, kernel
from mosforge.metrics.fused.filters import central_bias, saliency_band_pass
from mosforge.metrics.fused.fourier import empty_spectrum, filter_pair
from mosforge.metrics.fused.interpolation import Positions, positions, resize
from mosforge.metrics.fused.lab import to_lab
from mosforge.metrics.fused.pooling import Pooling, pool_row
from mosforge.metrics.fused.powers import exp2

SIZE = 256

_EPSILON = F32(np.finfo(np.float64).eps)
_SHARPNESS = F32(1e6 / math.log(2))  # exp(-x / 0.001**2) = 2**(-x * _SHARPNESS)


class SaliencyPlan:
    """The interpolations, filter and weights for pictures of one size."""

    def __init__(self, height: int, width: int, pooling: Pooling) -> None:
        self.pooling = pooling
        self.shrink_rows = positions(SIZE, height, align_corners=False)
        self.shrink_columns = positions(SIZE, width, align_corners=False)
        self.enlarge_rows = positions(height, SIZE, align_corners=True)
        self.enlarge_columns = positions(width, SIZE, align_corners=True)
        self.band_pass = (saliency_band_pass(SIZE) / SIZE**2).astype(np.float32)
        self.bias = central_bias(SIZE).astype(np.float32)


class Saliency:
    """Computes the pooled map of one picture at a time, in its own buffers."""

    def __init__(self, plan: SaliencyPlan) -> None:
        self._plan = plan
        self._rgb, self._lab = aligned((3, SIZE, SIZE)), aligned((3, SIZE, SIZE))
        self._lightness, self._chroma, self._buffer = (empty_spectrum((SIZE, SIZE)) for _ in range(3))
        self._map = aligned((SIZE, SIZE))

    def compute(self, planes: Map | Bytes, out: Map) -> None:
        """The saliency of uint8 planes (3, H, W), in [0, 1], pooled as the colours of VSI are.

        A flat picture has no salient place: 0 everywhere. piq gives the same where its interpolation of a
        constant is exact, and elsewhere its rounding errors, stretched to [0, 1].
        """
        plan = self._plan
        resize(planes, plan.shrink_rows, plan.shrink_columns, self._rgb)
        a_low, a_high, b_low, b_high = to_lab(self._rgb, self._lab)
        _pair_up(self._lab, self._lightness.reshape(SIZE, -1), self._chroma.reshape(SIZE, -1))
        for pair in (self._lightness, self._chroma):
            filter_pair(pair, plan.band_pass, self._buffer)
        _combine(
            self._lightness.reshape(SIZE, -1),
            self._chroma.reshape(SIZE, -1),
            self._lab,
            plan.bias,
            (F32(a_low), F32(a_high), F32(b_low), F32(b_high)),
            self._map,
        )
        _enlarge_and_pool(
            self._map, plan.enlarge_rows, plan.enlarge_columns, plan.pooling.factor, plan.pooling.shift, out
        )


@exact
def _inverse(extent: F32) -> F32:
    """1 / (extent + piq's epsilon); 0 where there is no extent, so that nothing is multiplied with 1e16."""
    return F32(1) / (extent + _EPSILON) if extent > F32(0) else F32(0)


@kernel
def _pair_up(lab: Map, lightness: Map, chroma: Map) -> None:
    """L* and nothing, a* and b* side by side, (h, 2 w), less their values in the corner.

    The filter does not see a constant; without it, the transform of a picture that is nearly flat keeps its
    digits.
    """
    l0, a0, b0 = lab[0, 0, 0], lab[1, 0, 0], lab[2, 0, 0]
    for i in range(lab.shape[1]):
        grey, a, b, light, colour = lab[0, i], lab[1, i], lab[2, i], lightness[i], chroma[i]
        for j in range(lab.shape[2]):
            light[2 * j] = grey[j] - l0
            light[2 * j + 1] = F32(0)
        for j in range(lab.shape[2]):
            colour[2 * j] = a[j] - a0
            colour[2 * j + 1] = b[j] - b0


@kernel
def _combine(
    lightness: Map, chroma: Map, lab: Map, bias: Map, limits: tuple[F32, F32, F32, F32], out: Map
) -> None:
    """Band-passed colour contrast x central bias x warm colours (eq. 1 to 5 of the SDSP paper).

    `lightness` (h, 2 w) is the response to L* and nothing in turn, `chroma` that to a* and b*.
    """
    a_low, a_high, b_low, b_high = limits
    a_scale, b_scale = _inverse(a_high - a_low), _inverse(b_high - b_low)
    for i in range(out.shape[0]):
        light, colour = lightness[i], chroma[i]
        a, b, centre, row = lab[1, i], lab[2, i], bias[i], out[i]
        for j in range(out.shape[1]):
            p, q = (a[j] - a_low) * a_scale, (b[j] - b_low) * b_scale
            warmth = F32(1) - exp2(-(p * p + q * q) * _SHARPNESS)
            warmth = max(warmth, F32(0))  # the polynomial of 2**0 may exceed 1 by a rounding error
            x, y, z = light[2 * j], colour[2 * j], colour[2 * j + 1]
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
