"""Phase congruency in float64, for the few pictures that float32 is too coarse for.

The same equations as in `phase_congruency`, as plain array expressions: slow and rarely needed.
"""

import numpy as np
import scipy.fft

from mosforge.metrics.fused.compilation import Map
from mosforge.metrics.fused.filters import Grid, log_gabor_bank, noise_thresholds

_EPSILON = float(np.finfo(np.float64).eps)


def phase_congruency_in_float64(luma: Map) -> Grid:
    """The phase congruency of a luma map (h, w), in [0, 1]."""
    bank = log_gabor_bank((luma.shape[0], luma.shape[1]))
    image = luma.astype(np.float64)
    spectrum = scipy.fft.fft2(image - image.mean())
    amplitude, energy = np.zeros((2, *luma.shape))
    for filters, threshold in zip(bank, noise_thresholds(bank), strict=True):
        responses = scipy.fft.ifft2(spectrum * filters)
        total = responses.sum(axis=0)
        amplitudes = np.abs(responses)
        across = np.abs((responses * total.conj()).imag).sum(axis=0)
        length = np.abs(total)
        # torch.median is the lower one of two
        median = np.partition(amplitudes[0].ravel(), (luma.size - 1) // 2)[(luma.size - 1) // 2]
        amplitude += amplitudes.sum(axis=0)
        energy += np.maximum(length - across / (length + _EPSILON) - threshold * median, 0)
    quotient: Grid = (energy + _EPSILON) / (amplitude + _EPSILON)
    return quotient
