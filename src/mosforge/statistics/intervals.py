"""Intervals for correlations and their differences, by resampling test images (Efron, 1979).

A resample is a column of counts: how often each image is drawn. All measures follow from the counts, so
no resample is ever sorted or fitted on its own.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.seeds import SeedPart, generator
from mosforge.statistics.correlations import map_predictions

Floats = npt.NDArray[np.float64]
Intervals = dict[str, tuple[float, float]]

RESAMPLES = 1000
FEWEST = 5
"""Fewer test images give no interval."""

_BLOCK = 2**18  # counts that are in memory at a time
_ROUNDING = 1e-12  # a smaller share of a sum of squares is what equal values leave
_ENDS = (2.5, 97.5)


def intervals(predicted: Floats, given: Floats, *key: SeedPart) -> Intervals:
    """The 95% percentile interval of each measure over resampled test images.

    The logistic is fitted once, to all images, and its curve is then held. Fitting it anew to every
    resample moves the ends by less than .006 from 250 images on, and by at most .02 at 78, but takes
    minutes for 10,000.

    Args:
        predicted: predicted qualities, shape (n,).
        given: given qualities, shape (n,).
        key: what is resampled; models that were tested on the same images get the same resamples for it.

    Returns:
        Measure -> lower and upper end. Images are drawn one by one, also where several show the same
        content. Resamples in which a measure is undefined, because all images are
        equal, are passed over; without a defined one, and for fewer than `FEWEST` images, both ends are NaN.
    """
    count = len(predicted)
    if count < FEWEST:
        return dict.fromkeys(MEASURES, (np.nan, np.nan))
    mapped = map_predictions(predicted, given)[0]
    blocks = [
        {
            "srocc": _spearman(counts, predicted, _ranks(counts, given)),
            "krocc": _kendall(counts, predicted, given),
            "plcc": _pearson(counts, predicted, given),
            "plcc_mapped": _pearson(counts, mapped, given),
            "rmse": np.sqrt(counts @ (mapped - given) ** 2 / count),
        }
        for counts in _resamples(count, *key)
    ]
    return {name: _ends(np.concatenate([block[name] for block in blocks])) for name in blocks[0]}


def interval_of_difference(
    first: Floats, second: Floats, given: Floats, *key: SeedPart
) -> tuple[float, float]:
    """The 95% percentile interval of how much higher one model's SROCC is than another's.

    Both models are measured on the same resamples, those of `intervals`, so that what makes an image hard
    for both does not widen the interval.

    Args:
        first: predicted qualities of the one, shape (n,).
        second: predicted qualities of the other for the same images, shape (n,).
        given: given qualities, shape (n,).
        key: what is resampled, as for `intervals`.

    Returns:
        Lower and upper end; NaN where `intervals` has NaN for either.
    """
    if len(given) < FEWEST:
        return np.nan, np.nan
    differences = []
    for counts in _resamples(len(given), *key):
        ranks = _ranks(counts, given)
        differences.append(_spearman(counts, first, ranks) - _spearman(counts, second, ranks))
    return _ends(np.concatenate(differences))


def _resamples(count: int, *key: SeedPart) -> Iterator[Floats]:
    """The resamples of `count` images, a block of them at a time, shape (resamples, count)."""
    draws = generator("bootstrap over test images", *key)
    rows = max(1, _BLOCK // count)
    for first in range(0, RESAMPLES, rows):
        yield _counts(draws, min(rows, RESAMPLES - first), count)


def _counts(draws: np.random.Generator, resamples: int, count: int) -> Floats:
    """How often each image is drawn, shape (resamples, count)."""
    drawn = draws.integers(0, count, (resamples, count)) + count * np.arange(resamples)[:, None]
    found = np.bincount(drawn.ravel(), minlength=resamples * count)
    return found.reshape(resamples, count).astype(np.float64)


def _ranks(counts: Floats, values: Floats) -> Floats:
    """The rank of each image in each resample, equal values sharing their mean rank."""
    group = np.unique(values, return_inverse=True)[1]
    tied = _sums_of_groups(counts, group)
    rank: Floats = np.cumsum(tied, axis=1) - (tied - 1) / 2
    return rank[:, group]


def _sums_of_groups(counts: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """The draws of each group, shape (resamples, groups); groups are numbered from 0 without a gap."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 1))
    sums: Floats = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def _pearson(counts: Floats, first: Floats, second: Floats) -> Floats:
    a, b = first - first.mean(), second - second.mean()
    return _correlation(counts, *(counts @ x for x in (a, b, a * a, b * b, a * b)))


def _spearman(counts: Floats, values: Floats, given_ranks: Floats) -> Floats:
    """Spearman's correlation of values with what has these ranks in each resample."""
    return _pearson_of_rows(counts, _ranks(counts, values), given_ranks)


def _pearson_of_rows(counts: Floats, first: Floats, second: Floats) -> Floats:
    """Pearson's correlation of values that are others in each resample, shape of all: (resamples, n)."""
    middle = (counts.shape[1] + 1) / 2
    a, b = first - middle, second - middle
    sums = [np.einsum("ij,ij->i", counts, x) for x in (a, b, a * a, b * b, a * b)]
    return _correlation(counts, *sums)


def _correlation(counts: Floats, a: Floats, b: Floats, aa: Floats, bb: Floats, ab: Floats) -> Floats:
    count = counts.shape[1]
    spreads = [_spread(squares, total, count) for squares, total in ((aa, a), (bb, b))]
    return _quotient(ab - a * b / count, np.sqrt(spreads[0] * spreads[1]))


def _spread(squares: Floats, total: Floats, count: int) -> Floats:
    """Sums of squared deviations from the mean of each resample; 0 where they are nothing but rounding."""
    spread = squares - total * total / count
    found: Floats = np.where(spread > _ROUNDING * squares, spread, 0.0)
    return found


def _kendall(counts: Floats, first: Floats, second: Floats) -> Floats:
    """Kendall's tau-b of each resample, from its numbers of tied and of discordant pairs."""
    ranks = [np.unique(x, return_inverse=True)[1] for x in (first, second)]
    both = np.unique(ranks[0] * len(first) + ranks[1], return_inverse=True)[1]
    every = float(counts.shape[1]) ** 2  # ordered pairs, those of an image with itself among them
    tied = [_tied(counts, rank) for rank in (*ranks, both)]
    order = np.lexsort((ranks[1], ranks[0]))
    discordant = _discordant(counts[:, order], ranks[1][order])
    difference = every - tied[0] - tied[1] + tied[2] - 4 * discordant
    return _quotient(difference, np.sqrt((every - tied[0]) * (every - tied[1])))


def _tied(counts: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """Ordered pairs within the groups of each resample."""
    sizes: Floats = _sums_of_groups(counts, group)
    pairs: Floats = np.einsum("ij,ij->i", sizes, sizes)
    return pairs


def _discordant(counts: Floats, rank: npt.NDArray[np.int64]) -> Floats:
    """Pairs of each resample whose earlier image has the higher rank.

    Two different ranks part at one bit; so, bit by bit, the images with equal higher bits are looked
    through in order, and every image with the bit 0 is paired with those before it with the bit 1.
    """
    found = np.zeros(len(counts))
    for bit in range(int(rank.max()).bit_length()):
        order = np.argsort(rank >> (bit + 1), kind="stable")
        block, upper = rank[order] >> (bit + 1), (rank[order] >> bit & 1).astype(bool)
        weights = counts[:, order]
        before = np.cumsum(weights * upper, axis=1)
        starts = np.searchsorted(block, block[~upper])
        earlier_blocks = np.where(starts > 0, before[:, starts - 1], 0)
        found += np.einsum("ij,ij->i", weights[:, ~upper], before[:, ~upper] - earlier_blocks)
    return found


def _quotient(over: Floats, under: Floats) -> Floats:
    found: Floats = np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)
    return found


def _ends(found: Floats) -> tuple[float, float]:
    defined = found[np.isfinite(found)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.percentile(defined, _ENDS)
    return float(low), float(high)
