"""Two-dimensional Fourier transforms of float32 maps, on one thread."""

import cv2
import numpy as np
import scipy.fft

from mosforge.metrics.fused.compilation import Map, kernel
from mosforge.metrics.fused.filters import Grid
from mosforge.metrics.fused.resampling import InverseTransform, correction, is_awkward

# One picture a thread: OpenCV's own threads would only get in the way.
cv2.setNumThreads(1)

Spectrum = Map
"""Shape (h, w, 2): real and imaginary parts side by side."""


def empty_spectrum(shape: tuple[int, int]) -> Spectrum:
    """An uninitialised spectrum of a map of that shape."""
    return np.empty((*shape, 2), np.float32)


def transform(image: Map, spectrum: Spectrum) -> None:
    """The unnormalised forward transform of a real map (h, w).

    OpenCV's complex one takes half the time of a real one, its or scipy's; but it is slow at awkward sizes.
    """
    if is_awkward(spectrum.shape[:2]):
        spectrum.view(np.complex64)[..., 0] = scipy.fft.fft2(image)
        return
    spectrum[..., 0] = image
    spectrum[..., 1] = 0
    cv2.dft(spectrum, spectrum)


def transfer_functions(bank: Grid) -> Map:
    """A bank of filters (..., h, w) as `FilterResponse.compute` takes it: normalised, in float32."""
    shape = (bank.shape[-2], bank.shape[-1])
    scale = correction(shape) if is_awkward(shape) else np.ones(shape)
    transfers: Map = (bank * (scale / (shape[0] * shape[1]))).astype(np.float32)
    return transfers


class FilterResponse:
    """Responses of filters to pictures of one shape, in its own buffers."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._resampled = InverseTransform(shape) if is_awkward(shape) else None
        self.transposed = self._resampled is not None
        """Whether responses lie on their side, (w, h) instead of (h, w)."""
        self.shape = shape[::-1] if self.transposed else shape
        """Shape of a response."""

    def compute(self, spectrum: Spectrum, transfer: Map, response: Spectrum) -> None:
        """The complex response of a filter with a real transfer function (h, w).

        Args:
            spectrum: of the picture.
            transfer: the transfer function, from `transfer_functions`.
            response: even (real) and odd (imaginary) response, written; see `shape`.
        """
        if self._resampled is not None:
            self._resampled.apply(spectrum, transfer, response)
            return
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
    _multiply(buffer.reshape(-1), transfer.reshape(-1), pair.reshape(-1))
    cv2.dft(pair, pair, flags=cv2.DFT_INVERSE)


@kernel
def _multiply(spectrum: Map, transfer: Map, product: Map) -> None:
    for j in range(transfer.shape[0]):
        product[2 * j] = spectrum[2 * j] * transfer[j]
        product[2 * j + 1] = spectrum[2 * j + 1] * transfer[j]
