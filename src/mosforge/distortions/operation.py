"""What all distortions share: the check of a parameter, the way back to 8-bit samples, and no distortion."""

import math

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels


def check_number(value: object, what: str, low: float, high: float) -> None:
    """Refuses a parameter that is not a number in [low, high]."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise MosforgeError(f"{value!r} is not a {what}; give a number from {low:g} to {high:g}")


def whole_number(value: float, what: str, low: int, high: int) -> int:
    """The parameter as an integer; refuses one that is not a whole number in [low, high]."""
    check_number(value, what, low, high)
    if value != int(value):
        raise MosforgeError(f"{value!r} is not a {what}; give a whole number from {low} to {high}")
    return int(value)


def to_uint8(values: npt.NDArray[np.float32]) -> Pixels:
    """Rounds half to even and clips to [0, 255]; float32 of any shape, changed in place."""
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)


def unchanged(pixels: Pixels, level: float) -> Pixels:
    """A copy of an image.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        level: 0, as in the configuration.
    """
    if isinstance(level, bool) or level != 0:
        raise MosforgeError(f"{level!r} is not a level of an undistorted image; give a 0")
    return pixels.copy()
