"""Intervals of correlations and of their differences, by resampling test images.

The bootstrap's percentile interval: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, rankdata

from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.seeds import SeedPart, generator
from mosforge.statistics.correlations import map_predictions

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Intervals = dict[str, tuple[float, float]]

RESAMPLES = 1000
FEWEST = 5
"""Fewer test images give no interval."""

_BLOCK = 2**18  # numbers of an array that is in memory at a time
_ROUNDING = 1e-12  # values that differ by a smaller share of themselves are equal but for rounding
_ENDS = (2.5, 97.5)


def intervals(predicted: Floats, given: Floats, *key: SeedPart) -> Intervals:
    """The 95% percentile interval of each measure over resampled test images.

    The logistic is fitted once, to all images. To fit it to every resample moves the ends by less than 0.006
    from 250 images on, and by at most 0.02 at 78, but takes minutes for 10,000.

    Args:
        predicted: predicted qualities, shape (n,).
        given: given qualities, shape (n,).
        key: what is resampled; models that were tested on the same images get the same resamples for it.

    Returns:
        Measure -> lower and upper end. Images are drawn one by one, also where several show the same
        content. Resamples in which a measure is undefined, because all values are equal, are left out.
        Both ends are NaN if no resample is left, and for fewer than `FEWEST` images.
    """
    if len(given) < FEWEST:
        return dict.fromkeys(MEASURES, (np.nan, np.nan))
    mapped = map_predictions(predicted, given)[0]
    blocks = [_measures(predicted[rows], mapped[rows], given[rows]) for rows in _resamples(len(given), *key)]
    return {name: _ends([block[name] for block in blocks]) for name in MEASURES}


def interval_of_difference(
    first: Floats, second: Floats, given: Floats, *key: SeedPart
) -> tuple[float, float]:
    """The 95% percentile interval of how much higher one model's SROCC is than another's.

    Both models are measured on the same resamples, those of `intervals`, so that what makes an image hard
    for both does not widen the interval.

    Args:
        first: predicted qualities of the one model, shape (n,).
        second: predicted qualities of the other model for the same images, shape (n,).
        given: given qualities, shape (n,).
        key: what is resampled, as for `intervals`.

    Returns:
        Lower and upper end; NaN where `intervals` has NaN for either model.
    """
    if len(given) < FEWEST:
        return np.nan, np.nan
    differences = []
    for rows in _resamples(len(given), *key):
        ranks = [rankdata(values[rows], axis=1) for values in (first, second, given)]
        differences.append(_pearson(ranks[0], ranks[2]) - _pearson(ranks[1], ranks[2]))
    return _ends(differences)


def _resamples(count: int, *key: SeedPart) -> Iterator[Indices]:
    """The resamples of `count` images, a block of them at a time, shape (resamples, count)."""
    draws = generator("bootstrap over test images", *key)
    rows = max(1, _BLOCK // count)
    for first in range(0, RESAMPLES, rows):
        yield draws.integers(0, count, (min(rows, RESAMPLES - first), count))


def _measures(predicted: Floats, mapped: Floats, given: Floats) -> dict[str, Floats]:
    """All measures of each resample; the arguments have the shape (resamples, images)."""
    return {
        "srocc": _pearson(rankdata(predicted, axis=1), rankdata(given, axis=1)),
        "krocc": np.array([kendalltau(*pair).statistic for pair in zip(predicted, given, strict=True)]),
        "plcc": _pearson(predicted, given),
        "plcc_mapped": _pearson(mapped, given),
        "rmse": np.sqrt(np.mean((mapped - given) ** 2, axis=1)),
    }


def _pearson(first: Floats, second: Floats) -> Floats:
    """Pearson's correlation of each resample; NaN where all values of one side are equal."""
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (first, second))
    products, squares = (a * b).sum(axis=1), (a * a).sum(axis=1) * (b * b).sum(axis=1)
    defined = np.logical_and(
        *(np.ptp(values, axis=1) > _ROUNDING * np.abs(values).max(axis=1) for values in (first, second))
    )
    found: Floats = np.divide(products, np.sqrt(squares), out=np.full(len(first), np.nan), where=defined)
    return found


def _ends(blocks: list[Floats]) -> tuple[float, float]:
    found = np.concatenate(blocks)
    defined = found[np.isfinite(found)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.percentile(defined, _ENDS)
    return float(low), float(high)
