"""Colour: a small palette, shifted channels, and changes of HSV and CIE L*a*b* (sRGB, D65)."""

import math

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from mosforge.core.images import Pixels
from mosforge.distortions.blur import gaussian_filter
from mosforge.distortions.operation import check_number, to_uint8, whole_number
from mosforge.distortions.palette import variance_palette
from mosforge.distortions.tone import parabola

Lab = npt.NDArray[np.float32]
"""L* in [0, 100], a* and b*: shape (height, width, 3)."""

_SAMPLES = np.arange(256) / 255
_LINEAR = np.where(_SAMPLES <= 0.04045, _SAMPLES / 12.92, ((_SAMPLES + 0.055) / 1.055) ** 2.4)
"""The sRGB transfer function (IEC 61966-2-1) for each sample value."""


def color_dither(pixels: Pixels, colours: float) -> Pixels:
    """Reduces an image to a palette of its own, with Floyd-Steinberg error diffusion.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        colours: size of the palette, a whole number from 2 to 256.

    Returns:
        uint8 RGB, same shape, at most `colours` different colours.
    """
    size = whole_number(colours, "number of colours", 2, 256)
    palette = Image.new("P", (1, 1))
    palette.putpalette(variance_palette(pixels, size).tobytes())
    # Pillow dithers only with a given palette: quantize(colours, dither=...) ignores `dither`.
    dithered = Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(dithered.convert("RGB"))


def chromatic_aberration(pixels: Pixels, shift: float, rng: np.random.Generator) -> Pixels:
    """Lateral chromatic aberration: red and blue are shifted against green, to opposite sides.

    The paper calls it "vignetting", but describes this shift.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        shift: pixels, fractions allowed.
        rng: draws the direction, uniform over all angles.

    Returns:
        uint8 RGB, same shape; borders are symmetric.
    """
    dx, dy = _drawn_direction(shift, rng)
    red, green, blue = cv2.split(pixels)
    shifted = cv2.merge([shift_plane(red, dx, dy), green, shift_plane(blue, -dx, -dy)])
    return np.asarray(shifted, dtype=np.uint8)


def color_shift(pixels: Pixels, shift: float, rng: np.random.Generator) -> Pixels:
    """Shifts green, only near edges (KADID-10k, type 5).

    The result is a mean of the shifted and the old green. The weight of the shifted one is an edge map: the
    gradient's magnitude of the grey image, blurred with a sigma of 4 pixels, with its 1st percentile at 0
    and its 99th at 1.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        shift: pixels.
        rng: draws the direction, uniform over all angles.
    """
    green = pixels[:, :, 1]
    moved = shift_plane(green, *_drawn_direction(shift, rng))
    old = green.astype(np.float32)
    shifted = pixels.copy()
    shifted[:, :, 1] = to_uint8(old + _edges(pixels) * (moved - old))
    return shifted


def _drawn_direction(shift: float, rng: np.random.Generator) -> tuple[float, float]:
    check_number(shift, "shift of a colour", 0, 100)
    angle = rng.uniform(0.0, 2 * math.pi)
    return shift * math.cos(angle), shift * math.sin(angle)


def _edges(pixels: Pixels) -> npt.NDArray[np.float32]:
    """The strength of the edges near each pixel: [0, 1], shape (height, width)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    down, across = np.gradient(grey)
    magnitude = cv2.GaussianBlur(np.hypot(across, down), (0, 0), 4, borderType=cv2.BORDER_REFLECT)
    low, high = np.percentile(magnitude, [1, 99])
    return np.asarray(np.clip((magnitude - low) / max(high - low, 1e-6), 0, 1), dtype=np.float32)


def hsv_saturation(pixels: Pixels, factor: float) -> Pixels:
    """Multiplies HSV's saturation by `factor`, -1 to 1 (KADID-10k, type 7).

    Hue and value stay as they are, so each channel's distance from the largest channel is multiplied. A
    factor below 0 gives the complementary colours, clipped.
    """
    check_number(factor, "factor of saturation", -1, 1)
    value = pixels.max(axis=2, keepdims=True).astype(np.float32)
    return to_uint8(value - np.float32(factor) * (value - pixels))


def color_diffusion(pixels: Pixels, amount: float) -> Pixels:
    """Blurs a* and b* with sigma 1.5 x `amount` + 2 pixels, and multiplies them by `amount` (KADID-10k,
    type 4)."""
    check_number(amount, "amount of colour diffusion", 0, 50)
    lab = to_lab(pixels)
    sigma = 1.5 * amount + 2
    blurred = gaussian_filter(lab, 2 * math.ceil(2 * sigma) + 1, sigma)
    lab[:, :, 1:] = np.float32(amount) * blurred[:, :, 1:]
    return to_uint8(from_lab(lab))


def lab_saturation(pixels: Pixels, factor: float) -> Pixels:
    """Multiplies a* and b* by `factor` (KADID-10k, type 8)."""
    check_number(factor, "factor of saturation", 0, 100)
    lab = to_lab(pixels)
    lab[:, :, 1:] *= np.float32(factor)
    return to_uint8(from_lab(lab))


def sharpen(pixels: Pixels, amount: float) -> Pixels:
    """Unsharp masking: adds to L* `amount` times its difference from its blur of sigma 3 pixels (KADID-10k,
    type 24)."""
    check_number(amount, "amount of sharpening", 0, 100)
    lab = to_lab(pixels)
    lightness = lab[:, :, 0]
    difference = lightness - gaussian_filter(lightness, 13, 3.0)
    lab[:, :, 0] = np.clip(lightness + np.float32(amount) * difference, 0, 100)
    return to_uint8(from_lab(lab))


def brighten(pixels: Pixels, amount: float) -> Pixels:
    """Raises the mid-tones with the parabola through (0.5, 0.5 + `amount` / 2) (KADID-10k, type 16).

    The result is a weighted mean: two parts of the image with raised R, G and B, and one part of the image
    with raised L*.
    """
    check_number(amount, "amount of brightening", 0, 2)
    lab = to_lab(pixels)
    lab[:, :, 0] = parabola(lab[:, :, 0] / 100, amount) * 100
    channels = cv2.LUT(pixels, (parabola(_SAMPLES, amount) * 255).astype(np.float32))
    return to_uint8((2 * channels + np.clip(from_lab(lab), 0, 255)) / 3)


def to_lab(pixels: Pixels) -> Lab:
    """CIE L*a*b* of an image."""
    # not COLOR_RGB2LAB, which interpolates in a coarse table and is off by up to 0.4
    linear = cv2.LUT(pixels, _LINEAR.astype(np.float32))
    return np.asarray(cv2.cvtColor(linear, cv2.COLOR_LRGB2LAB), dtype=np.float32)


def from_lab(lab: Lab) -> npt.NDArray[np.float32]:
    """RGB on [0, 255], not clipped, of CIE L*a*b*."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.float32) * 255


def shift_plane(plane: npt.NDArray[np.uint8], dx: float, dy: float) -> npt.NDArray[np.uint8]:
    """Moves a plane by (dx, dy) pixels, right and down, with cubic convolution (Keys, 1981)."""
    kernels = _shift_kernel(dx), _shift_kernel(dy)
    # not cv2.warpAffine: it rounds the shift to 1/32 pixel
    return to_uint8(cv2.sepFilter2D(plane, cv2.CV_32F, *kernels, borderType=cv2.BORDER_REFLECT))


def _shift_kernel(shift: float) -> npt.NDArray[np.float32]:
    radius = math.ceil(abs(shift)) + 2
    distance = np.abs(np.arange(-radius, radius + 1) + shift)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0)).astype(np.float32)
