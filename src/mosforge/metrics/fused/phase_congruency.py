"""Phase congruency (Kovesi 1999), as FSIM uses it: where the phases of all wavelet scales agree."""

import math

import numpy as np

from mosforge.metrics.fused.compilation import F32, Map, kernel
from mosforge.metrics.fused.filters import ORIENTATIONS, SCALES, log_gabor_bank, noise_thresholds
from mosforge.metrics.fused.fourier import (
    FilterResponse,
    Spectrum,
    empty_spectrum,
    transfer_functions,
    transform,
)
from mosforge.metrics.fused.median import Words, lower_median
from mosforge.metrics.fused.phase_precise import phase_congruency_in_float64

# piq's epsilon is that of its own arithmetic; this is the one of float64, so that weak responses far from
# any structure weigh as they do there.
_EPSILON = F32(np.finfo(np.float64).eps)

# Below this share of the picture's standard deviation, the typical response is so weak that the rounding
# errors of a float32 transform, 1e-7 of the strongest, show in the score: a picture that is flat but for a
# few pixels. Photographs, even blurred or overexposed ones, lie above 5e-4.
_WEAK = 1e-5


class PhasePlan:
    """The filters and noise thresholds for maps of one shape."""

    def __init__(self, shape: tuple[int, int]) -> None:
        bank = log_gabor_bank(shape)
        self.shape = shape
        self.thresholds = noise_thresholds(bank)
        self.transfers = transfer_functions(bank)


class PhaseCongruency:
    """Computes the map of one picture at a time, in its own buffers."""

    def __init__(self, plan: PhasePlan) -> None:
        self._plan = plan
        self._image = np.empty(plan.shape, np.float32)
        self._spectrum = empty_spectrum(plan.shape)
        self._filter = FilterResponse(plan.shape)
        self._responses = np.empty((SCALES, *self._filter.shape, 2), np.float32)
        count = plan.shape[0] * plan.shape[1]
        self._amplitude = np.empty(count, np.float32)
        self._energy = np.empty(count, np.float32)
        self._deviation = np.empty(count, np.float32)
        self._finest = np.empty(count, np.float32)
        self._candidates: Words = np.empty(count, np.uint32)

    def compute(self, luma: Map, out: Map) -> None:
        """The phase congruency of a luma map (h, w), in [0, 1], into `out` of the same shape.

        It is 1 everywhere in a flat picture; `fsim.fsim` says why.
        """
        # No filter passes the mean; without it the transform of a flat picture is exactly 0.
        np.subtract(luma, F32(luma.mean(dtype=np.float64)), out=self._image)
        spread = float(np.linalg.norm(self._image)) / math.sqrt(self._image.size)
        if spread == 0:
            out[:] = 1
            return
        transform(self._image, self._spectrum)
        self._amplitude[:] = 0
        self._energy[:] = 0
        weakest = min(self._add_orientation(orientation) for orientation in range(ORIENTATIONS))
        if weakest < _WEAK * spread:
            out[:] = phase_congruency_in_float64(luma)
        else:
            _quotient(self._energy, self._amplitude, self._amplitude)
            found = self._amplitude.reshape(self._filter.shape)
            out[:] = found.T if self._filter.transposed else found

    def _add_orientation(self, orientation: int) -> float:
        """Adds an orientation's amplitude and energy; returns its median amplitude at the finest scale."""
        for scale in range(SCALES):
            transfer = self._plan.transfers[orientation, scale]
            self._filter.compute(self._spectrum, transfer, self._responses[scale])
        responses = self._responses.reshape(SCALES, -1)
        _local_energy(responses, self._amplitude, self._deviation, self._finest)
        median = math.sqrt(lower_median(self._finest, self._candidates))
        _add_above(self._deviation, F32(self._plan.thresholds[orientation] * median), self._energy)
        return median


@kernel
def _local_energy(responses: Spectrum, amplitude: Map, energy: Map, finest: Map) -> None:
    """Local energy of one orientation, less the phase deviation (Kovesi 1999, eq. 14), before the threshold.

    Args:
        responses: shape (4, 2 n), even and odd responses in turn, a row a scale.
        amplitude: the sum of the amplitudes is added to it, shape (n,).
        energy: written.
        finest: the squared amplitude at the finest scale, written.
    """
    r0, r1, r2, r3 = responses[0], responses[1], responses[2], responses[3]
    for j in range(energy.shape[0]):
        e0, e1, e2, e3 = r0[2 * j], r1[2 * j], r2[2 * j], r3[2 * j]
        o0, o1, o2, o3 = r0[2 * j + 1], r1[2 * j + 1], r2[2 * j + 1], r3[2 * j + 1]
        square = e0 * e0 + o0 * o0
        rest = math.sqrt(e1 * e1 + o1 * o1) + math.sqrt(e2 * e2 + o2 * o2) + math.sqrt(e3 * e3 + o3 * o3)
        even, odd = e0 + e1 + e2 + e3, o0 + o1 + o2 + o3
        total = math.sqrt(even * even + odd * odd)
        across = (
            abs(e0 * odd - o0 * even)
            + abs(e1 * odd - o1 * even)
            + abs(e2 * odd - o2 * even)
            + abs(e3 * odd - o3 * even)
        )
        amplitude[j] += math.sqrt(square) + rest
        energy[j] = total - across / (total + _EPSILON)
        finest[j] = square


@kernel
def _add_above(deviation: Map, threshold: F32, energy: Map) -> None:
    for j in range(energy.shape[0]):
        energy[j] += max(deviation[j] - threshold, F32(0))


@kernel
def _quotient(energy: Map, amplitude: Map, out: Map) -> None:
    for j in range(out.shape[0]):
        out[j] = (energy[j] + _EPSILON) / (amplitude[j] + _EPSILON)
