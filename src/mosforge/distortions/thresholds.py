"""Few sample values: Otsu's thresholds for more than two classes (Otsu, 1979)."""

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.distortion import check_number


def quantize(pixels: Pixels, thresholds: float) -> Pixels:
    """Maps all samples to one more value than there are thresholds (KADID-10k, type 22).

    The thresholds are Otsu's for all samples of the three channels together. Below the first a sample
    becomes 0, above the last 255, and elsewhere the threshold above it.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        thresholds: a whole number from 1 to 100.

    Returns:
        uint8 RGB, same shape.
    """
    check_number(thresholds, "number of thresholds", 1, 100)
    if thresholds != int(thresholds):
        raise MosforgeError(f"{thresholds!r} is not a number of thresholds; give a whole number")
    cuts = otsu_thresholds(np.bincount(pixels.ravel(), minlength=256), int(thresholds))
    if not len(cuts):  # a single value
        return pixels.copy()
    values = np.array([0, *cuts[1:], 255], dtype=np.uint8)
    table = values[np.searchsorted(cuts, np.arange(256), side="left")]
    return np.asarray(table[pixels], dtype=np.uint8)


def otsu_thresholds(counts: npt.NDArray[np.int64], thresholds: int) -> npt.NDArray[np.int64]:
    """The thresholds that leave the least variance within classes, found exactly (dynamic programming).

    Args:
        counts: of each of the 256 values.
        thresholds: how many; fewer are found where fewer different values occur.

    Returns:
        The largest value of each class but the last, rising.
    """
    there = np.flatnonzero(counts)
    thresholds = min(thresholds, len(there) - 1)
    between = _between(there, counts[there])
    best = between[0]  # of the first values up to each, in one class
    cuts = []
    for _ in range(thresholds):
        # best[i] + between[i + 1, j]: the last class begins after the i-th value
        sums = best[:-1, None] + between[1:]
        cuts.append(sums.argmax(axis=0))
        best = sums.max(axis=0)
    last, found = len(there) - 1, []
    for cut in reversed(cuts):
        last = int(cut[last])
        found.append(last)
    return np.asarray(there[found[::-1]], dtype=np.int64)


def _between(values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Squared sum over count of the values i to j, for all i <= j; minus infinity elsewhere."""
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
    sums = np.concatenate([[0], np.cumsum(counts * values)]).astype(np.float64)
    count, total = ends[1:] - ends[:-1, None], sums[1:] - sums[:-1, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0, total**2 / count, -np.inf)
