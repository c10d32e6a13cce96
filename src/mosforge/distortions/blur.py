"""Blur: Gaussian low-pass, the disc of a lens out of focus, and the line of a moving camera."""

import math
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.operation import check_number, to_uint8

Kernel = npt.NDArray[np.float64]

_LARGEST_KERNEL = 1001
_WIDEST_DIRECT = 63
"""Kernels of up to this many taps are summed directly; wider ones are faster in the cosine domain."""


def gaussian_blur(pixels: Pixels, size: float) -> Pixels:
    """Gaussian blur with a `size`x`size` kernel of sigma `size` / 6 and symmetric borders (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        size: taps of the kernel in one direction, an odd number.

    Returns:
        uint8 RGB, same shape.

    Raises:
        MosforgeError: `size` is not an odd whole number in range.
    """
    check_number(size, "size of a Gaussian kernel", 1, _LARGEST_KERNEL)
    if size % 2 != 1:
        raise MosforgeError(f"{size!r} is not a size of a Gaussian kernel; give an odd whole number")
    return _separable(pixels, int(size), size / 6)


def defocus(pixels: Pixels, sigma: float) -> Pixels:
    """A lens out of focus: Gaussian low-pass of `sigma` pixels, cut off at three sigma, symmetric borders."""
    check_number(sigma, "sigma of a defocus", 0.1, _LARGEST_KERNEL / 6 - 1)
    return _separable(pixels, 2 * math.ceil(3 * sigma) + 1, sigma)


def gaussian_lowpass(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian blur of `sigma` pixels, cut off at two sigma with symmetric borders (KADID-10k, type 1)."""
    check_number(sigma, "sigma of a Gaussian blur", 0.1, _LARGEST_KERNEL / 4 - 1)
    return _separable(pixels, 2 * math.ceil(2 * sigma) + 1, sigma)


def lens_blur(pixels: Pixels, radius: float) -> Pixels:
    """A lens out of focus: the mean over a disc of `radius` pixels, with symmetric borders
    (KADID-10k, type 2)."""
    return _two_dimensional(pixels, disc_kernel(radius))


@lru_cache(maxsize=16)
def disc_kernel(radius: float) -> Kernel:
    """The share of each pixel that a disc covers (MATLAB's `fspecial('disk')`).

    Returns:
        float64, shape (2 * reach + 1, 2 * reach + 1), sum 1.
    """
    check_number(radius, "radius of a lens blur", 0.5, _LARGEST_KERNEL / 2 - 1)
    reach = math.ceil(radius - 0.5)
    # in a column of 1/200 pixel the disc is an interval; its overlap with a pixel is the share that it covers
    columns = (np.arange((2 * reach + 1) * 200) + 0.5) / 200 - reach - 0.5
    half = np.sqrt(np.maximum(radius**2 - columns**2, 0))
    lower = np.arange(-reach, reach + 1)[:, None] - 0.5
    covered = np.maximum(np.minimum(half, lower + 1) - np.maximum(-half, lower), 0)
    areas = covered.reshape(2 * reach + 1, 2 * reach + 1, 200).mean(axis=2)
    weights = (areas + areas.T) / 2
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def motion_blur(pixels: Pixels, length: float, rng: np.random.Generator) -> Pixels:
    """A moving camera: the mean along a straight line of `length` pixels at a random angle.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        length: pixels.
        rng: draws the angle, uniform in [0, 180) degrees.

    Returns:
        uint8 RGB, same shape; borders are symmetric.
    """
    return _two_dimensional(pixels, motion_kernel(length, rng.uniform(0.0, 180.0)))


def motion_kernel(length: float, angle: float) -> Kernel:
    """The anti-aliased line of `length` pixels at `angle` degrees against the x axis, anticlockwise.

    The weight of a tap is 1 minus its distance from the line segment in pixels, or 0 if that is negative
    (MATLAB's `fspecial('motion')`).

    Returns:
        float64, shape (2 * radius + 1, 2 * radius + 1), point-symmetric, sum 1.
    """
    check_number(length, "length of a motion", 1, _LARGEST_KERNEL)
    half = (length - 1) / 2
    radius = math.ceil(half)
    y, x = np.mgrid[radius : -radius - 1 : -1, -radius : radius + 1].astype(np.float64)
    theta = math.radians(angle)
    along = x * math.cos(theta) + y * math.sin(theta)
    across = y * math.cos(theta) - x * math.sin(theta)
    distance = np.hypot(across, np.maximum(np.abs(along) - half, 0))
    weights = np.maximum(1 - distance, 0)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


@lru_cache(maxsize=64)
def gaussian_kernel(size: int, sigma: float) -> Kernel:
    """The sampled Gaussian: `size` taps (odd), sum 1."""
    x = np.arange(size) - size // 2
    weights = np.exp(-(x**2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def gaussian_filter(values: npt.NDArray[Any], size: int, sigma: float) -> npt.NDArray[np.float32]:
    """A plane, or planes along the third axis, convolved with `gaussian_kernel`; borders are symmetric."""
    kernel = gaussian_kernel(size, sigma).astype(np.float32)
    filtered = cv2.sepFilter2D(values, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT)
    return np.asarray(filtered, dtype=np.float32)


def _two_dimensional(pixels: Pixels, kernel: Kernel) -> Pixels:
    return to_uint8(cv2.filter2D(pixels, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT))


def _separable(pixels: Pixels, size: int, sigma: float) -> Pixels:
    if size > _WIDEST_DIRECT:
        return to_uint8(_in_cosine_domain(pixels, size, sigma))
    return to_uint8(gaussian_filter(pixels, size, sigma))


def _in_cosine_domain(pixels: Pixels, size: int, sigma: float) -> npt.NDArray[np.float32]:
    # The convolution of a symmetric kernel with an image that is continued symmetrically is the product of
    # the kernel's frequency response and the image's DCT-II. It is exact, and takes the same time for every
    # width of the kernel.
    from scipy import fft  # half a second, which planning does without

    height, width = pixels.shape[:2]
    spectrum = fft.dctn(pixels.astype(np.float32), axes=(0, 1), overwrite_x=True)
    spectrum *= _response(size, sigma, height)[:, None, None]
    spectrum *= _response(size, sigma, width)[None, :, None]
    return np.asarray(fft.idctn(spectrum, axes=(0, 1), overwrite_x=True), dtype=np.float32)


@lru_cache(maxsize=256)
def _response(size: int, sigma: float, count: int) -> npt.NDArray[np.float32]:
    """The factor of each of `count` DCT-II coefficients in a blur with the kernel."""
    taps = gaussian_kernel(size, sigma)[size // 2 :]
    phases = np.pi * np.outer(np.arange(count), np.arange(len(taps))) / count
    weights = np.concatenate([taps[:1], 2 * taps[1:]])
    # einsum, not a matrix product: BLAS may sum in another order with another number of threads
    return np.asarray(np.einsum("ij,j->i", np.cos(phases), weights), dtype=np.float32)
