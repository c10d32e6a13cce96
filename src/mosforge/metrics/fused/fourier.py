"""Two-dimensional Fourier transforms of float32 maps, on one thread."""

import cv2
import numpy as np
import scipy.fft

from mosforge.metrics.fused.compilation import F32, Map, aligned, kernel
from mosforge.metrics.fused.resampling import is_slow_size

# One image a thread: OpenCV's own threads would only get in the way.
cv2.setNumThreads(1)

Spectrum = Map
"""Shape (h, w, 2): real and imaginary parts side by side."""


def empty_spectrum(shape: tuple[int, int]) -> Spectrum:
    """An uninitialised spectrum of a map of that shape."""
    spectrum: Spectrum = aligned((*shape, 2))
    return spectrum


def transform(image: Map, spectrum: Spectrum) -> None:
    """The unnormalised forward transform of a real map (h, w).

    OpenCV's complex transform takes half the time of a real one, whether OpenCV's or scipy's; but it is slow
    at sizes with large prime factors.
    """
    if is_slow_size(spectrum.shape[:2]):
        spectrum.view(np.complex64)[..., 0] = scipy.fft.fft2(image)
        return
    _as_complex(image.reshape(-1), spectrum.reshape(-1))
    cv2.dft(spectrum, spectrum)


def filtered(spectrum: Spectrum, transfer: Map, response: Spectrum) -> None:
    """The complex response of a filter with a real transfer function (h, w) / (h * w)."""
    _multiply(spectrum.reshape(-1), transfer.reshape(-1), response.reshape(-1))
    cv2.dft(response, response, flags=cv2.DFT_INVERSE)


def filter_pair(pair: Spectrum, transfer: Map, buffer: Spectrum) -> None:
    """Filters two real maps, the parts of a complex one (h, w, 2), in place.

    Args:
        pair: the maps, and then their responses.
        transfer: real and symmetric, (h, w): its responses to real maps are real, and do not mix.
        buffer: of the shape of `pair`, overwritten.
    """
    cv2.dft(pair, buffer)
    filtered(buffer, transfer, pair)


@kernel
def _as_complex(image: Map, out: Map) -> None:
    for j in range(image.shape[0]):
        out[2 * j] = image[j]
        out[2 * j + 1] = F32(0)


@kernel
def _multiply(spectrum: Map, transfer: Map, product: Map) -> None:
    for j in range(transfer.shape[0]):
        product[2 * j] = spectrum[2 * j] * transfer[j]
        product[2 * j + 1] = spectrum[2 * j + 1] * transfer[j]
