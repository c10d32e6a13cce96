"""FSIMc: Zhang et al. (2011), FSIM: A Feature Similarity Index, IEEE TIP 20(8), as piq computes it.

Its features are the phase congruency, that is where the phases of all wavelet scales agree, and the gradient.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from mosforge.metrics.fused.compilation import F32, Grid, Map, aligned, kernel
from mosforge.metrics.fused.fourier import transform
from mosforge.metrics.fused.gmsd import SCHARR, gradient, squared_length
from mosforge.metrics.fused.powers import power
from mosforge.metrics.fused.wavelets import EPSILON, ORIENTATIONS, WaveletFilters, Wavelets, log_gabor_bank

_T1, _T2, _T3 = F32(0.85), F32(160), F32(200)
_LAMBDA = F32(0.03)

# Below this share of the image's standard deviation, the typical response is so weak that the rounding
# errors of a float32 transform, 1e-7 of the strongest, show in the score: an image that is flat but for a
# few pixels. Natural images, even blurred or overexposed ones, lie above 5e-4.
_WEAK = 1e-5

Words = npt.NDArray[np.uint32]

_LANES = 4  # histograms that are filled in turn, so that equal neighbours do not wait for each other


@kernel
def fsim(maps: Map, phase: Map, expected: Map, expected_phase: Map, gradients: Map) -> float:
    """The similarity of phase, gradient and chroma, weighted by the larger phase congruency (eq. 4 to 11).

    The one value that differs from piq's, of all six: FSIM with a flat image (of one colour), whose phase
    congruency is 0 / 0. Ours is 1 everywhere, the quotient of the two epsilons that piq adds, as in exact
    arithmetic. piq gives that where its transform of a constant is exact (all sides, once pooled, products
    of 2 and 3), and elsewhere divides one rounding error by another: two colours of 200x192 pixels get .846
    in float64 and .907 in float32; ours is .908, there and at 192x192, where piq agrees.

    `maps` are Y, I and Q, bordered, and `gradients` the magnitudes of the reference image; 1: equal.
    """
    height, width = phase.shape
    numerator, denominator = 0.0, 0.0
    for i in range(height):
        above, here, below = maps[0, i], maps[0, i + 1], maps[0, i + 2]
        in_phase, quadrature = maps[1, i + 1], maps[2, i + 1]
        expected_in_phase, expected_quadrature = expected[1, i + 1], expected[2, i + 1]
        row_phase, row_expected_phase, row_gradient = phase[i], expected_phase[i], gradients[i]
        row_numerator, row_denominator = F32(0), F32(0)
        for j in range(width):
            gx, gy = gradient(above, here, below, j, SCHARR)
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


class PhaseCongruency:
    """Computes the phase congruency (Kovesi 1999) of one image at a time, in its own buffers."""

    def __init__(self, filters: WaveletFilters) -> None:
        self._filters = filters
        self._image = aligned(filters.shape)
        self._spectrum = aligned((*filters.shape, 2))
        self._wavelets = Wavelets(filters)
        count = filters.shape[0] * filters.shape[1]
        self._amplitude, self._energy, self._deviation, self._finest = (aligned((count,)) for _ in range(4))
        self._candidates: Words = np.empty(count, np.uint32)

    def compute(self, luma: Map, out: Map) -> None:
        """The phase congruency of a luma map (h, w), in [0, 1], into `out` of the same shape.

        It is 1 everywhere in a flat image; `fsim` says why.
        """
        # No filter passes the mean; without it the transform of a flat image is exactly 0.
        np.subtract(luma, F32(cv2.mean(luma)[0]), out=self._image)
        spread = float(np.linalg.norm(self._image)) / math.sqrt(self._image.size)
        if spread == 0:
            out[:] = 1
            return
        transform(self._image, self._spectrum)
        # By Parseval's equation the spectrum has n times the energy of its n samples.
        if not self._wavelets.suffice(self._spectrum, (self._image.size * spread) ** 2):
            out[:] = phase_congruency_in_float64(luma, self._filters.thresholds)
            return
        self._amplitude[:] = 0
        self._energy[:] = 0
        weakest = min(self._add_orientation(orientation) for orientation in range(ORIENTATIONS))
        if weakest < _WEAK * spread:
            out[:] = phase_congruency_in_float64(luma, self._filters.thresholds)
            return
        self._energy += EPSILON
        self._amplitude += EPSILON
        self._energy /= self._amplitude
        height, width = out.shape
        if self._wavelets.transposed:
            cv2.transpose(self._energy.reshape(width, height), out)
        else:
            out[:] = self._energy.reshape(height, width)

    def _add_orientation(self, orientation: int) -> float:
        """Adds an orientation's amplitude and energy; returns its median amplitude at the finest scale."""
        self._wavelets.add_orientation(
            self._spectrum, orientation, self._amplitude, self._deviation, self._finest
        )
        median = math.sqrt(lower_median(self._finest, self._candidates))
        self._deviation -= F32(self._filters.thresholds[orientation] * median)
        self._energy += np.maximum(self._deviation, 0, out=self._deviation)
        return median


@kernel
def lower_median(values: Map, candidates: Words) -> float:
    """The element of rank (n - 1) // 2, as torch.median defines it.

    Non-negative floats are ordered as their bit patterns are: a radix select over the upper 11, the middle
    11 and the lower 10 bits, each time keeping what shares the median's digit.

    There are n > 0 values, and none is NaN; `candidates` is a buffer of n words.
    """
    words = values.view(np.uint32)
    n = words.shape[0]
    counts = np.zeros((_LANES, 2048), np.int64)
    for j in range(n):
        counts[j & (_LANES - 1), words[j] >> np.uint32(21)] += 1
    digit, rank = _digit_of_rank(counts, (n - 1) // 2)
    left = 0
    for j in range(n):  # without a branch, which would be mispredicted half of the time
        candidates[left] = words[j]
        left += (words[j] >> np.uint32(21)) == digit
    for shift, mask in ((10, 2047), (0, 1023)):
        counts[:] = 0
        for j in range(left):
            counts[0, (candidates[j] >> np.uint32(shift)) & np.uint32(mask)] += 1
        digit, rank = _digit_of_rank(counts, rank)
        kept = 0
        for j in range(left):
            word = candidates[j]
            candidates[kept] = word
            kept += ((word >> np.uint32(shift)) & np.uint32(mask)) == digit
        left = kept
    return float(candidates[:1].view(np.float32)[0])


@kernel
def _digit_of_rank(counts: npt.NDArray[np.int64], rank: int) -> tuple[int, int]:
    """The digit that the element of that rank has, and its rank among those with the digit."""
    digit = 0
    while True:
        count = counts[:, digit].sum()
        if count > rank:
            return digit, rank
        rank -= count
        digit += 1


def phase_congruency_in_float64(luma: Map, thresholds: Grid) -> Grid:
    """The phase congruency of a luma map (h, w), in [0, 1], where float32 is too coarse.

    The same equations as plain array expressions: slow, and needed for few images.
    """
    epsilon = float(np.finfo(np.float64).eps)
    bank = log_gabor_bank((luma.shape[0], luma.shape[1]))
    image = luma.astype(np.float64)
    spectrum = scipy.fft.fft2(image - image.mean())
    amplitude, energy = np.zeros((2, *luma.shape))
    for filters, threshold in zip(bank, thresholds, strict=True):
        responses = scipy.fft.ifft2(spectrum * filters)
        total = responses.sum(axis=0)
        amplitudes = np.abs(responses)
        across = np.abs((responses * total.conj()).imag).sum(axis=0)
        length = np.abs(total)
        # as torch.median: the lower one of two
        median = np.partition(amplitudes[0].ravel(), (luma.size - 1) // 2)[(luma.size - 1) // 2]
        amplitude += amplitudes.sum(axis=0)
        energy += np.maximum(length - across / (length + epsilon) - threshold * median, 0)
    quotient: Grid = (energy + epsilon) / (amplitude + epsilon)
    return quotient
