"""Distortions in CIE L*a*b* (sRGB, D65): diffused and stronger colours, sharpening, brightening."""

import cv2
import numpy as np
import numpy.typing as npt

from mosforge.core.images import Pixels
from mosforge.distortions.blur import gaussian_kernel
from mosforge.distortions.distortion import check_number, to_uint8
from mosforge.distortions.tone import parabola

Lab = npt.NDArray[np.float32]
"""L* in [0, 100], a* and b*: shape (height, width, 3)."""

_LINEAR = np.where(
    np.arange(256) / 255 <= 0.04045,
    np.arange(256) / 255 / 12.92,
    ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4,
).astype(np.float32)
"""The sRGB transfer function (IEC 61966-2-1) for each sample value."""


def to_lab(pixels: Pixels) -> Lab:
    """CIE L*a*b* of a picture."""
    # not COLOR_RGB2LAB, which interpolates in a coarse table and is off by up to 0.4
    return np.asarray(cv2.cvtColor(cv2.LUT(pixels, _LINEAR), cv2.COLOR_LRGB2LAB), dtype=np.float32)


def from_lab(lab: Lab) -> npt.NDArray[np.float32]:
    """RGB on [0, 255], not clipped, of CIE L*a*b*."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.float32) * 255


def color_diffusion(pixels: Pixels, amount: float) -> Pixels:
    """Colours run: a* and b* are blurred with sigma 1.5 x `amount` + 2 pixels and multiplied by `amount`
    (KADID-10k, type 4)."""
    check_number(amount, "amount of colour diffusion", 0, 50)
    lab = to_lab(pixels)
    sigma = 1.5 * amount + 2
    kernel = gaussian_kernel(2 * int(np.ceil(2 * sigma)) + 1, sigma).astype(np.float32)
    blurred = cv2.sepFilter2D(lab, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT)
    lab[:, :, 1:] = np.float32(amount) * blurred[:, :, 1:]
    return to_uint8(from_lab(lab))


def lab_saturation(pixels: Pixels, factor: float) -> Pixels:
    """a* and b* times `factor` (KADID-10k, type 8)."""
    check_number(factor, "factor of saturation", 0, 100)
    lab = to_lab(pixels)
    lab[:, :, 1:] *= np.float32(factor)
    return to_uint8(from_lab(lab))


def sharpen(pixels: Pixels, amount: float) -> Pixels:
    """Unsharp masking of L*: `amount` times its difference from its blur of sigma 3 pixels is added
    (KADID-10k, type 24)."""
    check_number(amount, "amount of sharpening", 0, 100)
    lab = to_lab(pixels)
    kernel = gaussian_kernel(13, 3.0).astype(np.float32)
    lightness = lab[:, :, 0]
    blurred = cv2.sepFilter2D(lightness, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT)
    lab[:, :, 0] = np.clip(lightness + np.float32(amount) * (lightness - blurred), 0, 100)
    return to_uint8(from_lab(lab))


def brighten(pixels: Pixels, amount: float) -> Pixels:
    """Raises the mid-tones along the parabola through (0.5, 0.5 + `amount` / 2): two parts of R, G and B so
    raised and one part of the picture whose L* is (KADID-10k, type 16)."""
    check_number(amount, "amount of brightening", 0, 2)
    lab = to_lab(pixels)
    lab[:, :, 0] = parabola(lab[:, :, 0] / 100, amount) * 100
    channels = cv2.LUT(pixels, (parabola(np.arange(256) / 255, amount) * 255).astype(np.float32))
    return to_uint8((2 * channels + np.clip(from_lab(lab), 0, 255)) / 3)
