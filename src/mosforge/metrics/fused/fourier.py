"""Two-dimensional Fourier transforms of float32 maps, on one thread."""

from functools import cache

import cv2
import numpy as np
import scipy.fft

from mosforge.metrics.fused.compilation import Grid, Map, kernel

# One image a thread: OpenCV's own threads would only get in the way.
cv2.setNumThreads(1)

Spectrum = Map
"""Shape (h, w, 2): real and imaginary parts side by side."""

# OpenCV's time for a sample grows with the largest prime factors of both sides; at this sum it equals that
# of `resampling`.
_BREAK_EVEN = 70


def is_slow_size(shape: tuple[int, int]) -> bool:
    """Whether the sides have so large prime factors that resampling is faster than OpenCV's transform."""
    return sum(map(_largest_prime, shape)) > _BREAK_EVEN


@cache
def _largest_prime(n: int) -> int:
    largest, factor = 1, 2
    while n > 1:
        if n % factor:
            factor += 1
        else:
            largest, n = factor, n // factor
    return largest


def frequencies(count: int) -> Grid:
    """Cycles a sample in the order of the Fourier transform: 0 first, negative ones last."""
    if count % 2:
        steps = np.arange(-(count - 1) / 2, count / 2) / (count - 1)
    else:
        steps = np.arange(-count / 2, count / 2) / count
    return np.fft.ifftshift(steps)


def transform(image: Map, spectrum: Spectrum) -> None:
    """The unnormalised forward transform of a real map (h, w).

    OpenCV's complex transform takes half the time of a real one, whether OpenCV's or scipy's; but it is slow
    at sizes with large prime factors.
    """
    numbers = spectrum.view(np.complex64)[..., 0]
    if is_slow_size(image.shape):
        numbers[:] = scipy.fft.fft2(image)
    else:
        numbers[:] = image
        cv2.dft(spectrum, spectrum)


def filtered(spectrum: Spectrum, transfer: Map, response: Spectrum) -> None:
    """The complex response of a filter with a real transfer function (h, w) / (h * w)."""
    multiply(spectrum.reshape(-1), transfer.reshape(-1), response.reshape(-1))
    cv2.dft(response, response, flags=cv2.DFT_INVERSE)


def filter_pair(pair: Spectrum, transfer: Map, buffer: Spectrum) -> None:
    """Filters two real maps, the parts of a complex one (h, w, 2), in place; `buffer` has the same shape.

    The transfer function is real and symmetric: its responses to real maps are real, and do not mix.
    """
    cv2.dft(pair, buffer)
    filtered(buffer, transfer, pair)


@kernel
def multiply(spectrum: Map, transfer: Map, product: Map) -> None:
    """A flat spectrum, (2 n,), times a real transfer function, (n,)."""
    for j in range(transfer.shape[0]):
        product[2 * j] = spectrum[2 * j] * transfer[j]
        product[2 * j + 1] = spectrum[2 * j + 1] * transfer[j]
