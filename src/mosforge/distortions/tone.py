"""Tone: contrast, exposure and curves. Each is a table of 256 values, applied to every sample."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.distortion import Level, check_number

_VALUES = np.arange(256, dtype=np.float64)


def contrast_range(pixels: Pixels, limits: Level) -> Pixels:
    """Stretches each channel between its 1st and 99th percentile, then maps it into a range (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        limits: low and high end of the range, on a [0, 1] picture.

    Returns:
        uint8 RGB, same shape. A channel whose two percentiles are equal is not stretched.

    Raises:
        MosforgeError: `limits` are not two rising numbers in [0, 1].
    """
    if not isinstance(limits, list | tuple) or len(limits) != 2:
        raise MosforgeError(f"{limits!r} is not a range of contrast; give [low, high]")
    low, high = limits
    check_number(low, "low end of a range of contrast", 0, 1)
    check_number(high, "high end of a range of contrast", low, 1)
    tables = [_stretch(*_percentiles(pixels[:, :, channel])) * (high - low) + low for channel in range(3)]
    return _look_up(pixels, np.stack(tables, axis=1))


def contrast_factor(pixels: Pixels, factor: float) -> Pixels:
    """Global contrast: the distance from mid-grey (127.5) is multiplied by `factor`, 0 to 1."""
    check_number(factor, "factor of contrast", 0, 1)
    return _look_up(pixels, 0.5 + (_VALUES / 255 - 0.5) * factor)


def overexposure(pixels: Pixels, amount: float) -> Pixels:
    """Raises the brightness: `amount` is added to a [0, 1] picture, clipped (DB-CNN)."""
    check_number(amount, "amount of overexposure", 0, 1)
    return _look_up(pixels, _VALUES / 255 + amount)


def underexposure(pixels: Pixels, amount: float) -> Pixels:
    """Lowers the brightness: `amount` is subtracted from a [0, 1] picture, clipped (DB-CNN)."""
    check_number(amount, "amount of underexposure", 0, 1)
    return _look_up(pixels, _VALUES / 255 - amount)


def mean_shift(pixels: Pixels, amount: float) -> Pixels:
    """`amount`, -1 to 1, is added to a [0, 1] picture, clipped (KADID-10k, type 18)."""
    check_number(amount, "amount of a mean shift", -1, 1)
    return _look_up(pixels, _VALUES / 255 + amount)


def darken(pixels: Pixels, amount: float) -> Pixels:
    """Lowers the mid-tones: the parabola through 0, 1 and (0.5, 0.5 - `amount` / 2) (KADID-10k, type 17)."""
    check_number(amount, "amount of darkening", 0, 2)
    return _look_up(pixels, parabola(_VALUES / 255, -amount))


def contrast_curve(pixels: Pixels, amount: float) -> Pixels:
    """An S-shaped curve: the cubic spline through 0, (0.3, 0.25 - a), (0.5, 0.5), (0.7, 0.75 + a) and 1,
    where a is `amount` / 4 (KADID-10k, type 25).

    Above -0.2 it raises the contrast, at -0.2 it is the identity, below it lowers the contrast.
    """
    check_number(amount, "amount of contrast", -1, 1)
    knots = (0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1)
    return _look_up(pixels, CubicSpline((0, 0.3, 0.5, 0.7, 1), knots)(_VALUES / 255))


def parabola(values: npt.NDArray[Any], amount: float) -> npt.NDArray[Any]:
    """The parabola through 0, 1 and (0.5, 0.5 + `amount` / 2), clipped to [0, 1]."""
    return np.asarray(np.clip(values + 2 * amount * values * (1 - values), 0, 1))


def _look_up(pixels: Pixels, table: npt.NDArray[np.float64]) -> Pixels:
    """Applies a table of values in [0, 1], shape (256,) or (256, 3), to uint8 RGB."""
    values = np.rint(np.clip(table, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, values.reshape(1, 256, -1)), dtype=np.uint8)


def _stretch(first: float, last: float) -> npt.NDArray[np.float64]:
    if last <= first:
        return _VALUES / 255
    return np.clip((_VALUES - first) / (last - first), 0, 1)


def _percentiles(channel: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """The 1st and 99th percentile with linear interpolation, as `np.percentile`, from the histogram."""
    counts = cv2.calcHist([np.ascontiguousarray(channel)], [0], None, [256], [0, 256])
    ends = np.cumsum(counts.ravel().astype(np.int64))
    ranks = np.array([0.01, 0.99]) * (channel.size - 1)
    below = np.floor(ranks).astype(np.int64)
    lower = np.searchsorted(ends, below, side="right")
    upper = np.searchsorted(ends, np.minimum(below + 1, channel.size - 1), side="right")
    first, last = lower + (ranks - below) * (upper - lower)
    return float(first), float(last)
