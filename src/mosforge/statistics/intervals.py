"""Intervals of correlations and of their differences, by resampling the contents of the test images.

The bootstrap's percentile interval: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
Images of one content are drawn together, since their scores are not independent (Davison and Hinkley,
Bootstrap Methods and their Application, 1997, section 3.8).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.seeds import SeedPart, generator
from mosforge.statistics.correlations import correlations, map_predictions
from mosforge.statistics.repetitions import with_training_noise

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Intervals = dict[str, tuple[float, float]]

RESAMPLES = 1000
FEWEST_CONTENTS = 5
"""Fewer contents of test images give no interval."""

FEWEST_OF_CONTENT = 3
"""Fewer images of a content say nothing about the order within it."""

_BLOCK = 2**18  # numbers of an array that is in memory at a time
_ROUNDING = 1e-12  # values that differ by a smaller share of themselves are equal but for rounding
_ENDS = (2.5, 97.5)


def intervals(predicted: Floats, given: Floats, contents: Sequence[str], *key: SeedPart) -> Intervals:
    """The 95% percentile interval of each measure over resampled contents of the test images.

    The logistic is fitted once, to all images. To fit it to every resample moves the ends by less than 0.006
    from 250 images on, and by at most 0.02 at 78, but takes minutes for 10,000.

    Args:
        predicted: predicted qualities, shape (n,).
        given: given qualities, shape (n,).
        contents: the name of each image's content, n of them.
        key: what is resampled; models that were tested on the same images get the same resamples for it.

    Returns:
        Measure -> lower and upper end. Contents are drawn, each with all its images. Resamples in which a
        measure is undefined, because all values are equal, are left out. Both ends are NaN if no resample
        is left, and for fewer than `FEWEST_CONTENTS` contents.

    Raises:
        MosforgeError: a value is not finite, or there is not one content for each image.
    """
    _check(contents, given, predicted)
    if len(set(contents)) < FEWEST_CONTENTS:
        return dict.fromkeys(MEASURES, (np.nan, np.nan))
    mapped = map_predictions(predicted, given)[0]
    blocks = [_measures(predicted, mapped, given, counts) for counts in _resamples(contents, *key)]
    return {name: _ends([block[name] for block in blocks]) for name in MEASURES}


def correlations_with_ends(
    predicted: Floats, given: Floats, contents: Sequence[str], *key: SeedPart
) -> dict[str, Any]:
    """The values of `correlations`, and the ends of `intervals` as `srocc_low`, `srocc_high` and so on."""
    values = correlations(predicted, given)
    for measure, ends in intervals(predicted, given, contents, *key).items():
        values[f"{measure}_low"], values[f"{measure}_high"] = ends
    return values


def within_contents(
    predicted: Floats, given: Floats, contents: Sequence[str], *key: SeedPart
) -> tuple[float, float, float]:
    """The mean over contents of the SROCC of the images of one content, and its 95% interval.

    It asks how well the images of one scene are ordered, which no difference between scenes can help.

    Args:
        predicted: predicted qualities, shape (n,).
        given: given qualities, shape (n,).
        contents: the name of each image's content, n of them.
        key: what is resampled, as for `intervals`.

    Returns:
        The mean, and the lower and the upper end of the percentile interval over resampled contents. A
        content counts if its SROCC is defined and it has at least `FEWEST_OF_CONTENT` images. NaN without
        such a content; both ends are NaN for fewer than `FEWEST_CONTENTS` of them.
    """
    names, places = np.unique(np.asarray(contents, dtype=str), return_inverse=True)
    sroccs = []
    for place in range(len(names)):
        images = places == place
        if images.sum() >= FEWEST_OF_CONTENT:
            one = np.ones((1, int(images.sum())), np.int64)
            sroccs.append(_pearson(_ranks(predicted[images], one), _ranks(given[images], one), one)[0])
    found = np.array([srocc for srocc in sroccs if np.isfinite(srocc)])
    if not len(found):
        return np.nan, np.nan, np.nan
    each = [str(place) for place in range(len(found))]
    return (float(found.mean()), *interval_of_share(found, np.ones(len(found)), each, *key))


def interval_of_difference(
    first: Floats, second: Floats, given: Floats, contents: Sequence[str], *key: SeedPart
) -> tuple[float, float]:
    """The 95% interval of how much higher one model's SROCC is than another's.

    Both models are measured on the same resamples, those of `intervals`, so that what makes an image hard
    for both does not widen the interval. With several trainings it holds their noise too.

    Args:
        first: predicted qualities of the trainings of the one model, shape (k, n).
        second: predicted qualities of the other model, by the same seeds and for the same images.
        given: given qualities, shape (n,).
        contents: the name of each image's content, n of them.
        key: what is resampled, as for `intervals`.

    Returns:
        Lower and upper end; NaN where `intervals` has NaN for either model.

    Raises:
        MosforgeError: as for `intervals`.
    """
    _check(contents, given, *first, *second)
    if len(set(contents)) < FEWEST_CONTENTS:
        return np.nan, np.nan
    drawn = [
        _sroccs(first, given, counts) - _sroccs(second, given, counts)
        for counts in _resamples(contents, *key)
    ]
    ends = _ends([gains.mean(axis=0) for gains in drawn])
    once = np.ones((1, len(given)), np.int64)
    whole = (_sroccs(first, given, once) - _sroccs(second, given, once))[:, 0]
    return with_training_noise(ends, whole.tolist())


def mean_srocc(
    predicted: Floats, given: Floats, contents: Sequence[str], *key: SeedPart
) -> tuple[float, float, float]:
    """The mean SROCC of several trainings, and its 95% percentile interval over resampled contents.

    Args:
        predicted: predicted qualities of the trainings, for the same images, shape (k, n).
        given: given qualities, shape (n,).
        contents: the name of each image's content, n of them.
        key: what is resampled, as for `intervals`.

    Returns:
        The mean, which is NaN if one of the trainings has none, and the lower and the upper end, NaN for
        fewer than `FEWEST_CONTENTS` contents. The differences between the trainings are not in the interval.
    """
    whole = float(_sroccs(predicted, given, np.ones((1, len(given)), np.int64)).mean())
    if len(set(contents)) < FEWEST_CONTENTS:
        return whole, np.nan, np.nan
    drawn = [_sroccs(predicted, given, counts).mean(axis=0) for counts in _resamples(contents, *key)]
    return (whole, *_ends(drawn))


def interval_of_share(
    hits: Floats, totals: Floats, contents: Sequence[str], *key: SeedPart
) -> tuple[float, float]:
    """The 95% percentile interval of a share of cases, over resampled contents.

    A share of 0 or 1 is the same in every resample, so that its interval is that one number. With one case
    of each image, whose hit is any number, it is the interval of a mean.

    Args:
        hits: how many of the cases of an image hold, shape (n,).
        totals: how many cases it has, shape (n,).
        contents: the name of each image's content, n of them.
        key: what is resampled, as for `intervals`.

    Returns:
        Lower and upper end; NaN for fewer than `FEWEST_CONTENTS` contents.
    """
    if len(set(contents)) < FEWEST_CONTENTS:
        return np.nan, np.nan
    return _ends([counts @ hits / (counts @ totals) for counts in _resamples(contents, *key)])


def _check(contents: Sequence[str], given: Floats, *predicted: Floats) -> None:
    """Refuses what has no order, such as NaN, which would count as the highest rank, and unequal lengths."""
    if not all(np.isfinite(values).all() for values in (given, *predicted)):
        raise MosforgeError("a prediction or a given score is not a finite number")
    if any(np.shape(values) != (len(contents),) for values in (given, *predicted)):
        raise MosforgeError("there must be one prediction, one given score and one content for each image")


def _sroccs(predicted: Floats, given: Floats, counts: Counts) -> Floats:
    """The SROCC of each training in each resample, shape (k, resamples)."""
    ranks = _ranks(given, counts)
    return np.array([_pearson(_ranks(scores, counts), ranks, counts) for scores in predicted])


def _resamples(contents: Sequence[str], *key: SeedPart) -> Iterator[Counts]:
    """How often each image is in each resample, a block of resamples at a time, shape (resamples, images)."""
    draws = generator("bootstrap over test images", *key)
    names, places = np.unique(np.asarray(contents, dtype=str), return_inverse=True)
    rows = max(1, _BLOCK // len(contents))
    for first in range(0, RESAMPLES, rows):
        drawn = draws.integers(0, len(names), (min(rows, RESAMPLES - first), len(names)))
        counts = np.zeros(drawn.shape, np.int64)
        np.add.at(counts, (np.arange(len(drawn))[:, None], drawn), 1)
        yield counts[:, places]


def _measures(predicted: Floats, mapped: Floats, given: Floats, counts: Counts) -> dict[str, Floats]:
    """All measures of each resample; `counts` has the shape (resamples, images)."""
    pairs = ((np.repeat(predicted, row), np.repeat(given, row)) for row in counts)
    return {
        "srocc": _pearson(_ranks(predicted, counts), _ranks(given, counts), counts),
        "krocc": np.array([kendalltau(*pair).statistic for pair in pairs]),
        "plcc": _pearson(predicted, given, counts),
        "plcc_mapped": _pearson(mapped, given, counts),
        "rmse": np.sqrt(counts @ (mapped - given) ** 2 / counts.sum(axis=1)),
    }


def _ranks(values: Floats, counts: Counts) -> Floats:
    """The rank of each image among the images of each resample; equal values share the middle of theirs."""
    levels, places = np.unique(values, return_inverse=True)
    order = np.argsort(places, kind="stable")
    firsts = np.searchsorted(places[order], np.arange(len(levels)))
    together = np.add.reduceat(counts[:, order], firsts, axis=1)
    ranks: Floats = (np.cumsum(together, axis=1) - (together - 1) / 2)[:, places]
    return ranks


def _pearson(first: Floats, second: Floats, counts: Counts) -> Floats:
    """Pearson's correlation in each resample; NaN where all values of one side are equal.

    Args:
        first: values of the images, shape (n,), or others in each resample, shape (resamples, n).
        second: likewise.
        counts: how often each image is in each resample, shape (resamples, n).
    """
    total = counts.sum(axis=1, keepdims=True)
    defined = np.full(len(counts), True)
    centred = []
    for values in (first, second):
        drawn = np.where(counts > 0, values, np.nan)
        defined &= np.nanmax(drawn, 1) - np.nanmin(drawn, 1) > _ROUNDING * np.nanmax(np.abs(drawn), 1)
        centred.append(values - (counts * values).sum(axis=1, keepdims=True) / total)
    a, b = centred
    products = (counts * a * b).sum(axis=1)
    squares = (counts * a * a).sum(axis=1) * (counts * b * b).sum(axis=1)
    found: Floats = np.divide(products, np.sqrt(squares), out=np.full(len(counts), np.nan), where=defined)
    return found


def _ends(blocks: list[Floats]) -> tuple[float, float]:
    found = np.concatenate(blocks)
    defined = found[np.isfinite(found)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.percentile(defined, _ENDS)
    return float(low), float(high)
