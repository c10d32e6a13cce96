"""Phase congruency (Kovesi 1999), as FSIM uses it: where the phases of all wavelet scales agree."""

import math

import cv2
import numpy as np

from mosforge.metrics.fused.buffers import aligned
from mosforge.metrics.fused.compilation import F32, Map, kernel
from mosforge.metrics.fused.filters import ORIENTATIONS, log_gabor_bank, noise_thresholds
from mosforge.metrics.fused.fourier import empty_spectrum, transform
from mosforge.metrics.fused.median import Words, lower_median
from mosforge.metrics.fused.phase_precise import phase_congruency_in_float64
from mosforge.metrics.fused.wavelets import EPSILON, WaveletPlan, Wavelets

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
        self.wavelets = WaveletPlan(bank)


class PhaseCongruency:
    """Computes the map of one picture at a time, in its own buffers."""

    def __init__(self, plan: PhasePlan) -> None:
        self._plan = plan
        self._image = aligned(plan.shape)
        self._spectrum = empty_spectrum(plan.shape)
        self._wavelets = Wavelets(plan.wavelets)
        count = plan.shape[0] * plan.shape[1]
        self._amplitude = aligned((count,))
        self._energy = aligned((count,))
        self._deviation = aligned((count,))
        self._finest = aligned((count,))
        self._candidates: Words = np.empty(count, np.uint32)

    def compute(self, luma: Map, out: Map) -> None:
        """The phase congruency of a luma map (h, w), in [0, 1], into `out` of the same shape.

        It is 1 everywhere in a flat picture; `fsim.fsim` says why.
        """
        # No filter passes the mean; without it the transform of a flat picture is exactly 0.
        np.subtract(luma, F32(cv2.mean(luma)[0]), out=self._image)
        spread = float(np.linalg.norm(self._image)) / math.sqrt(self._image.size)
        if spread == 0:
            out[:] = 1
            return
        transform(self._image, self._spectrum)
        # By Parseval's equation the spectrum has n times the energy of its n samples.
        if not self._wavelets.suffice(self._spectrum, (self._image.size * spread) ** 2):
            out[:] = phase_congruency_in_float64(luma)
            return
        self._amplitude[:] = 0
        self._energy[:] = 0
        weakest = min(self._add_orientation(orientation) for orientation in range(ORIENTATIONS))
        if weakest < _WEAK * spread:
            out[:] = phase_congruency_in_float64(luma)
            return
        _quotient(self._energy, self._amplitude, self._amplitude)
        height, width = out.shape
        if self._wavelets.transposed:
            cv2.transpose(self._amplitude.reshape(width, height), out)
        else:
            out[:] = self._amplitude.reshape(height, width)

    def _add_orientation(self, orientation: int) -> float:
        """Adds an orientation's amplitude and energy; returns its median amplitude at the finest scale."""
        self._wavelets.add_orientation(
            self._spectrum, orientation, self._amplitude, self._deviation, self._finest
        )
        median = math.sqrt(lower_median(self._finest, self._candidates))
        _add_above(self._deviation, F32(self._plan.thresholds[orientation] * median), self._energy)
        return median


@kernel
def _add_above(deviation: Map, threshold: F32, energy: Map) -> None:
    for j in range(energy.shape[0]):
        energy[j] += max(deviation[j] - threshold, F32(0))


@kernel
def _quotient(energy: Map, amplitude: Map, out: Map) -> None:
    for j in range(out.shape[0]):
        out[j] = (energy[j] + EPSILON) / (amplitude[j] + EPSILON)
