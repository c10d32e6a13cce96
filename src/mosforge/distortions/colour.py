"""Colour: few colours with dither, the colour fringes of a lens, a shifted channel, and saturation."""

import math

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.distortion import check_number, to_uint8
from mosforge.distortions.palette import variance_palette


def color_dither(pixels: Pixels, colours: float) -> Pixels:
    """Reduces a picture to a palette of its own, with Floyd-Steinberg error diffusion.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        colours: size of the palette, a whole number from 2 to 256.

    Returns:
        uint8 RGB, same shape, at most `colours` different colours.
    """
    check_number(colours, "number of colours", 2, 256)
    if colours != int(colours):
        raise MosforgeError(f"{colours!r} is not a number of colours; give a whole number")
    palette = Image.new("P", (1, 1))
    palette.putpalette(variance_palette(pixels, int(colours)).tobytes())
    # Pillow dithers only where the palette is given: quantize(colours, dither=...) ignores `dither`.
    dithered = Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(dithered.convert("RGB"))


def chromatic_aberration(pixels: Pixels, shift: float, rng: np.random.Generator) -> Pixels:
    """Lateral chromatic aberration: red and blue are shifted against green, to opposite sides.

    The paper calls this one "vignetting"; its operation is the shift.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        shift: pixels, fractions allowed.
        rng: draws the direction, uniform over all angles.

    Returns:
        uint8 RGB, same shape; borders are symmetric.
    """
    check_number(shift, "shift of colours", 0, 100)
    angle = rng.uniform(0.0, 2 * math.pi)
    dx, dy = shift * math.cos(angle), shift * math.sin(angle)
    red, green, blue = cv2.split(pixels)
    shifted = cv2.merge([shift_plane(red, dx, dy), green, shift_plane(blue, -dx, -dy)])
    return np.asarray(shifted, dtype=np.uint8)


def color_shift(pixels: Pixels, shift: float, rng: np.random.Generator) -> Pixels:
    """Green is shifted, along edges alone (KADID-10k, type 5).

    The shifted green is laid over the old one with the weight of an edge map: the gradient's magnitude of
    the grey picture, blurred with a sigma of 4 pixels and stretched between its 1st and 99th percentile.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        shift: pixels.
        rng: draws the direction, uniform over all angles.
    """
    check_number(shift, "shift of a colour", 0, 100)
    angle = rng.uniform(0.0, 2 * math.pi)
    green = pixels[:, :, 1]
    moved = shift_plane(green, shift * math.cos(angle), shift * math.sin(angle))
    old = green.astype(np.float32)
    shifted = pixels.copy()
    shifted[:, :, 1] = to_uint8(old + _edges(pixels) * (moved - old))
    return shifted


def _edges(pixels: Pixels) -> npt.NDArray[np.float32]:
    """How much of an edge lies near each pixel: [0, 1], shape (height, width)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    down, across = np.gradient(grey)
    magnitude = cv2.GaussianBlur(np.hypot(across, down), (0, 0), 4, borderType=cv2.BORDER_REFLECT)
    low, high = np.percentile(magnitude, [1, 99])
    return np.asarray(np.clip((magnitude - low) / max(high - low, 1e-6), 0, 1), dtype=np.float32)


def hsv_saturation(pixels: Pixels, factor: float) -> Pixels:
    """HSV's saturation times `factor`, -1 to 1 (KADID-10k, type 7).

    Hue and value stay, so each channel's distance from the largest one is multiplied; below 0 the colours
    turn to their complements, clipped.
    """
    check_number(factor, "factor of saturation", -1, 1)
    value = pixels.max(axis=2, keepdims=True).astype(np.float32)
    return to_uint8(value - np.float32(factor) * (value - pixels))


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
