"""Noise: white, pink (1/f, the spectrum of natural scenes), and the further kinds of KADID-10k."""

import math
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from mosforge.core.images import Pixels
from mosforge.distortions.operation import check_number, to_uint8

_VARIANCE = "variance of a noise"

_YCBCR_TO_RGB = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]]) * np.array(
    [255 / 219, 255 / 224, 255 / 224]
)
"""ITU-R BT.601: differences of R, G, B from differences of Y, Cb, Cr, all on [0, 1]."""

FIELD = 512
"""Side of the pink field, in pixels (DB-CNN)."""


def white_noise(pixels: Pixels, log2_variance: float, rng: np.random.Generator) -> Pixels:
    """Adds white Gaussian noise, independent in each channel (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        log2_variance: base-2 logarithm of the variance on a [0, 1] image.
        rng: draws the noise.

    Returns:
        uint8 RGB, same shape, rounded and clipped.
    """
    check_number(log2_variance, "logarithm of a noise variance", -30, 10)
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    noise *= np.float32(255 * 2 ** (log2_variance / 2))
    noise += pixels
    return to_uint8(noise)


def gaussian_noise(pixels: Pixels, variance: float, rng: np.random.Generator) -> Pixels:
    """White noise of a variance on a [0, 1] image, independent in each channel (KADID-10k, type 11)."""
    check_number(variance, _VARIANCE, 1e-9, 1000)
    return white_noise(pixels, math.log2(variance), rng)


def ycbcr_noise(pixels: Pixels, variance: float, rng: np.random.Generator) -> Pixels:
    """White noise of a variance in Y, Cb and Cr, each on [0, 1] with BT.601's foot- and headroom
    (KADID-10k, type 12).

    The conversions to YCbCr and back are linear, so it is enough to convert the noise.
    """
    check_number(variance, _VARIANCE, 1e-9, 1000)
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    noise *= np.float32(255 * math.sqrt(variance))
    return to_uint8(cv2.transform(noise, _YCBCR_TO_RGB) + pixels)


def impulse_noise(pixels: Pixels, density: float, rng: np.random.Generator) -> Pixels:
    """Sets a share `density` of all samples to 0 or 255, half of them each (KADID-10k, type 13)."""
    check_number(density, "density of an impulse noise", 0, 1)
    drawn = rng.random(pixels.shape, dtype=np.float32)
    noisy = pixels.copy()
    noisy[drawn < density / 2] = 0
    noisy[drawn >= 1 - density / 2] = 255
    return noisy


def multiplicative_noise(pixels: Pixels, variance: float, rng: np.random.Generator) -> Pixels:
    """Speckle: each sample times 1 + n, n uniform with mean 0 and a variance (KADID-10k, type 14)."""
    check_number(variance, _VARIANCE, 1e-9, 1000)
    noise = rng.random(pixels.shape, dtype=np.float32)
    noise -= np.float32(0.5)
    noise *= np.float32(math.sqrt(12 * variance))
    noise += 1
    noise *= pixels
    return to_uint8(noise)


def denoised(pixels: Pixels, variance: float, rng: np.random.Generator) -> Pixels:
    """White noise of a variance, then a denoiser in each channel (KADID-10k, type 15).

    KADID-10k's denoiser is DnCNN, whose weights come with MATLAB. This one is non-local means (Buades, Coll
    and Morel, 2005) with 5x5 patches from a window of 11x11 and the noise's standard deviation as strength.
    """
    noisy = gaussian_noise(pixels, variance, rng)
    strength = 255 * math.sqrt(variance)
    channels = [cv2.fastNlMeansDenoising(channel, None, strength, 5, 11) for channel in cv2.split(noisy)]
    return np.asarray(cv2.merge(channels), dtype=np.uint8)


def pink_noise(pixels: Pixels, weight: float, rng: np.random.Generator) -> Pixels:
    """Adds a 1/f field, one for each channel, scaled to [-1, 1] and then by 255 x `weight` (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        weight: largest value of the field on a [0, 1] image.
        rng: draws the field.

    Returns:
        uint8 RGB, same shape, floored and clipped.
    """
    check_number(weight, "weight of a pink field", 0, 100)
    height, width = pixels.shape[:2]
    noise = np.empty(pixels.shape, dtype=np.float32)
    for channel, field in enumerate(pink_field(rng)):
        # Pillow's bicubic is that of MATLAB's imresize: a = -0.5, and anti-aliased where it shrinks
        resized = Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)
        noise[:, :, channel] = np.asarray(resized)
    noise *= np.float32(255 * weight)
    noise += pixels
    np.floor(noise, out=noise)
    return to_uint8(noise)


def pink_field(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Three Gaussian fields with mean 0, whose amplitude spectrum falls as 1 / sqrt(kx^2 + ky^2).

    Returns:
        float32, shape (3, 512, 512), each divided by its largest magnitude.
    """
    from scipy import fft  # half a second, which planning does without

    parts = rng.standard_normal((3, FIELD, FIELD // 2 + 1, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0]
    spectrum *= _one_over_f()
    fields = np.asarray(fft.irfft2(spectrum, s=(FIELD, FIELD), overwrite_x=True), dtype=np.float32)
    return np.asarray(fields / np.abs(fields).max(axis=(1, 2), keepdims=True))


@lru_cache(maxsize=1)
def _one_over_f() -> npt.NDArray[np.float32]:
    # The white field is drawn as the half plane of its spectrum, which saves a transform. Of the first and
    # last column the inverse transform keeps only the Hermitian part, half the variance: sqrt(2) restores it.
    ky = np.fft.fftfreq(FIELD, 1 / FIELD)[:, None]
    kx = np.arange(FIELD // 2 + 1)[None, :]
    radius = np.hypot(kx, ky)
    radius[0, 0] = np.inf
    amplitude = 1 / radius
    amplitude[:, [0, -1]] *= np.sqrt(2)
    return np.asarray(amplitude, dtype=np.float32)
