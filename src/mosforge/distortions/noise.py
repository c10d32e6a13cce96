"""Noise: white, and pink (1/f) as of natural scenes."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft

from mosforge.distortions.distortion import check_number, to_uint8
from mosforge.images import Pixels

FIELD = 512
"""Side of the pink field, in pixels (DB-CNN)."""


def white_noise(pixels: Pixels, log2_variance: float, rng: np.random.Generator) -> Pixels:
    """Adds white Gaussian noise, independent in each channel (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        log2_variance: base-2 logarithm of the variance on a [0, 1] picture.
        rng: draws the noise.

    Returns:
        uint8 RGB, same shape, rounded and clipped.
    """
    check_number(log2_variance, "logarithm of a noise variance", -30, 10)
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    noise *= np.float32(255 * 2 ** (log2_variance / 2))
    noise += pixels
    return to_uint8(noise)


def pink_noise(pixels: Pixels, weight: float, rng: np.random.Generator) -> Pixels:
    """Adds a 1/f field, one for each channel, scaled to [-1, 1] and then by 255 x `weight` (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        weight: largest value of the field on a [0, 1] picture.
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
    """Three Gaussian fields whose amplitude spectrum falls as 1 / sqrt(kx^2 + ky^2), without a mean.

    Returns:
        float32, shape (3, 512, 512), each divided by its largest magnitude.
    """
    parts = rng.standard_normal((3, FIELD, FIELD // 2 + 1, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0]
    spectrum *= _one_over_f()
    fields = np.asarray(fft.irfft2(spectrum, s=(FIELD, FIELD), overwrite_x=True), dtype=np.float32)
    return np.asarray(fields / np.abs(fields).max(axis=(1, 2), keepdims=True))


@lru_cache(maxsize=1)
def _one_over_f() -> npt.NDArray[np.float32]:
    # The white field is drawn as the half plane of its spectrum, which saves its transform. Of the first
    # and last column the inverse keeps the Hermitian part alone, half the variance: sqrt(2) restores it.
    ky = np.fft.fftfreq(FIELD, 1 / FIELD)[:, None]
    kx = np.arange(FIELD // 2 + 1)[None, :]
    radius = np.hypot(kx, ky)
    radius[0, 0] = np.inf
    amplitude = 1 / radius
    amplitude[:, [0, -1]] *= np.sqrt(2)
    return np.asarray(amplitude, dtype=np.float32)
