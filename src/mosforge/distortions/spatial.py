"""Distortions in space: jitter, displaced patches, covered blocks, and coarse pixels."""

import math

import cv2
import numpy as np
from PIL import Image

from mosforge.core.images import Pixels
from mosforge.distortions.operation import check_number, to_uint8, whole_number

_PATCH = 16
_BLOCK = 32
_JITTERS = 5


def jitter(pixels: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Takes every pixel from beside its place, five times (KADID-10k, type 19).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        amount: standard deviation of a displacement in each direction, in pixels.
        rng: draws the displacements.

    Returns:
        uint8 RGB, same shape, by bilinear interpolation with displacements of whole 1/32 pixels (OpenCV).
    """
    check_number(amount, "amount of jitter", 0, 20)
    y, x = np.indices(pixels.shape[:2], dtype=np.float32)
    moved = pixels.astype(np.float32)
    for _ in range(_JITTERS):
        dy, dx = rng.standard_normal((2, *pixels.shape[:2]), dtype=np.float32) * np.float32(amount)
        moved = cv2.remap(moved, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return to_uint8(moved)


def displaced_patches(pixels: Pixels, count: float, rng: np.random.Generator) -> Pixels:
    """Copies patches of 16x16 pixels up to 8 pixels away (KADID-10k, type 20: "non-eccentricity").

    The patches are copied one after the other, so a copied one may be copied again.
    """
    made = pixels.copy()
    reach = _PATCH // 2
    room = np.array(pixels.shape[:2]) - _PATCH - 2 * reach
    for _ in range(whole_number(count, "number of patches", 0, 10_000)):
        top, left = rng.integers(0, room, endpoint=True) + reach
        down, right = rng.integers(-reach, reach, 2, endpoint=True)
        patch = made[top : top + _PATCH, left : left + _PATCH].copy()
        made[top + down : top + down + _PATCH, left + right : left + right + _PATCH] = patch
    return made


def color_blocks(pixels: Pixels, count: float, rng: np.random.Generator) -> Pixels:
    """Covers the image with squares of 32x32 pixels, each of one random colour (KADID-10k, type 23)."""
    made = pixels.copy()
    room = np.array(pixels.shape[:2]) - _BLOCK
    for _ in range(whole_number(count, "number of blocks", 0, 10_000)):
        top, left = rng.integers(0, room, endpoint=True)
        made[top : top + _BLOCK, left : left + _BLOCK] = rng.integers(0, 256, 3, dtype=np.uint8)
    return made


def pixelate(pixels: Pixels, strength: float) -> Pixels:
    """Scales by 0.95 - `strength`^0.6 and back, to the nearest pixel each time (KADID-10k, type 21).

    A side that is no whole number is rounded up, as MATLAB's `imresize` does.
    """
    check_number(strength, "strength of a pixelation", 0, 0.9)
    scale = 0.95 - strength**0.6
    height, width = pixels.shape[:2]
    fewer = math.ceil(width * scale), math.ceil(height * scale)
    small = Image.fromarray(pixels).resize(fewer, Image.Resampling.NEAREST)
    return np.asarray(small.resize((width, height), Image.Resampling.NEAREST))
