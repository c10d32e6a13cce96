"""What a distortion is to the rest of the stage: a function, and how its result is stored."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels

Level = float | tuple[float, float]
"""The parameter of a distortion at one level: a number, or a range [low, high]."""


@dataclass(frozen=True)
class Distortion:
    """One row of a table of distortion types.

    Attributes:
        function: `(pixels, parameter)`, or `(pixels, parameter, rng)` where `random`, to pixels.
        parameter: what the number of a level means, with its unit.
        about: one sentence for people.
        random: whether the function draws random numbers.
        encode: `(pixels, parameter)` to the codec's bitstream, which is stored as it is.
        suffix: ending of the stored file; `.png` unless a codec says otherwise.
        few_colours: the result has few colours, which another setting of PNG stores best.
    """

    function: Callable[..., Pixels]
    parameter: str
    about: str
    random: bool = False
    encode: Callable[[Pixels, float], bytes] | None = None
    suffix: str = ".png"
    few_colours: bool = False

    def apply(self, pixels: Pixels, parameter: Level, rng: np.random.Generator) -> Pixels:
        """Distorts a picture.

        Args:
            pixels: uint8 RGB, shape (height, width, 3).
            parameter: the value of the level.
            rng: where random numbers come from; unused unless `random`.

        Returns:
            uint8 RGB, same shape.

        Raises:
            MosforgeError: the array is no RGB picture, or the parameter is outside what the type allows.
        """
        check_pixels(pixels)
        return self.function(pixels, parameter, rng) if self.random else self.function(pixels, parameter)


def check_pixels(pixels: Pixels) -> None:
    """Refuses an array that is not uint8 RGB: grey, alpha or another sample type."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise MosforgeError(
            f"an array of {pixels.dtype} with shape {pixels.shape} is no picture that can be distorted; "
            "convert it to 8-bit RGB, shape (height, width, 3)"
        )


def check_number(value: object, what: str, low: float, high: float) -> None:
    """Refuses a parameter that is no number in [low, high]."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise MosforgeError(f"{value!r} is not a {what}; give a number from {low:g} to {high:g}")


def to_uint8(values: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> Pixels:
    """Rounds half to even and clips to [0, 255]; float32 of any shape, changed in place."""
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)
