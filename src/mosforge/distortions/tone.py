"""Tone: contrast, exposure, curves and quantisation. Each is a table of 256 values for the samples."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.core.values import Level
from mosforge.distortions.operation import check_number, whole_number

_VALUES = np.arange(256, dtype=np.float64)


def contrast_range(pixels: Pixels, limits: Level) -> Pixels:
    """Stretches each channel between its 1st and 99th percentile, then maps it into a range (DB-CNN).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        limits: low and high end of the range, on a [0, 1] image.

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
    tables = [_stretch(pixels[:, :, channel]) * (high - low) + low for channel in range(3)]
    return _look_up(pixels, np.stack(tables, axis=1))


def contrast_factor(pixels: Pixels, factor: float) -> Pixels:
    """Global contrast: the distance from mid-grey (127.5) is multiplied by `factor`, 0 to 1."""
    check_number(factor, "factor of contrast", 0, 1)
    return _look_up(pixels, 0.5 + (_VALUES / 255 - 0.5) * factor)


def overexposure(pixels: Pixels, amount: float) -> Pixels:
    """Raises the brightness: `amount` is added to a [0, 1] image, clipped (DB-CNN)."""
    check_number(amount, "amount of overexposure", 0, 1)
    return _look_up(pixels, _VALUES / 255 + amount)


def underexposure(pixels: Pixels, amount: float) -> Pixels:
    """Lowers the brightness: `amount` is subtracted from a [0, 1] image, clipped (DB-CNN)."""
    check_number(amount, "amount of underexposure", 0, 1)
    return _look_up(pixels, _VALUES / 255 - amount)


def mean_shift(pixels: Pixels, amount: float) -> Pixels:
    """`amount`, -1 to 1, is added to a [0, 1] image, clipped (KADID-10k, type 18)."""
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
    from scipy.interpolate import CubicSpline  # a quarter of a second, which planning does without

    check_number(amount, "amount of contrast", -1, 1)
    knots = (0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1)
    return _look_up(pixels, CubicSpline((0, 0.3, 0.5, 0.7, 1), knots)(_VALUES / 255))


def quantize(pixels: Pixels, thresholds: float) -> Pixels:
    """Few sample values: one more than there are thresholds (KADID-10k, type 22).

    The thresholds are those of Otsu (1979) for all samples of the three channels together. A sample up to
    the first becomes 0, one above the last 255, and any other the next threshold above it.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        thresholds: a whole number from 1 to 100.

    Returns:
        uint8 RGB, same shape.
    """
    count = whole_number(thresholds, "number of thresholds", 1, 100)
    cuts = otsu_thresholds(np.bincount(pixels.ravel(), minlength=256), count)
    if not len(cuts):  # all samples are equal
        return pixels.copy()
    values = np.array([0, *cuts[1:], 255], dtype=np.uint8)
    table = values[np.searchsorted(cuts, np.arange(256), side="left")]
    return np.asarray(table[pixels], dtype=np.uint8)


def otsu_thresholds(counts: npt.NDArray[np.int64], thresholds: int) -> npt.NDArray[np.int64]:
    """The thresholds with the least variance within classes (Otsu, 1979), exactly, by dynamic programming.

    Args:
        counts: of each of the 256 values.
        thresholds: their number; with fewer different values there are fewer thresholds.

    Returns:
        The largest value of each class but the last, in rising order.
    """
    values = np.flatnonzero(counts)
    thresholds = min(thresholds, len(values) - 1)
    between = _between(values, counts[values])
    best = between[0]  # for each value: all values up to it are one class
    cuts = []
    for _ in range(thresholds):
        # best[i] + between[i + 1, j]: the last class begins after the i-th value
        sums = best[:-1, None] + between[1:]
        cuts.append(sums.argmax(axis=0))
        best = sums.max(axis=0)
    last, found = len(values) - 1, []
    for cut in reversed(cuts):
        last = int(cut[last])
        found.append(last)
    return np.asarray(values[found[::-1]], dtype=np.int64)


def parabola(values: npt.NDArray[Any], amount: float) -> npt.NDArray[Any]:
    """The parabola through 0, 1 and (0.5, 0.5 + `amount` / 2), clipped to [0, 1]."""
    return np.asarray(np.clip(values + 2 * amount * values * (1 - values), 0, 1))


def _look_up(pixels: Pixels, table: npt.NDArray[np.float64]) -> Pixels:
    """Applies a table of values in [0, 1], shape (256,) or (256, 3), to uint8 RGB.

    A half is rounded up, as MATLAB does: rounded to even, an exposure of 0.3, which is 76.5 of 255, would
    merge each even value with a neighbour. The 9 decimals keep halves that were computed in a few steps.
    """
    values = np.floor(np.round(np.clip(table, 0, 1) * 255, 9) + 0.5).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, values.reshape(1, 256, -1)), dtype=np.uint8)


def _stretch(channel: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The table that stretches a channel between its 1st and 99th percentile, taken from the histogram."""
    counts = cv2.calcHist([np.ascontiguousarray(channel)], [0], None, [256], [0, 256])
    ends = np.cumsum(counts.ravel().astype(np.int64))
    ranks = np.array([0.01, 0.99]) * (channel.size - 1)
    below = np.floor(ranks).astype(np.int64)
    lower = np.searchsorted(ends, below, side="right")
    upper = np.searchsorted(ends, np.minimum(below + 1, channel.size - 1), side="right")
    # linear interpolation, as in `np.percentile`
    first, last = lower + (ranks - below) * (upper - lower)
    return np.clip((_VALUES - first) / (last - first), 0, 1) if last > first else _VALUES / 255


def _between(values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Squared sum over count of the values i to j, for all i <= j; minus infinity elsewhere."""
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
    sums = np.concatenate([[0], np.cumsum(counts * values)]).astype(np.float64)
    count, total = ends[1:] - ends[:-1, None], sums[1:] - sums[:-1, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0, total**2 / count, -np.inf)
