"""Intervals against scipy, resample by resample and as a whole."""

import math

import numpy as np
import pytest
from scipy import stats

from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.seeds import generator
from mosforge.statistics import intervals as bootstrap
from mosforge.statistics.intervals import FEWEST, RESAMPLES, interval_of_difference, intervals

SCIPY = {"srocc": stats.spearmanr, "krocc": stats.kendalltau, "plcc": stats.pearsonr}


def pairs(count: int, digits: int = 9, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    scores = draws.uniform(size=count)
    return np.round(scores + draws.normal(0, 0.2, count), digits), np.round(scores, digits)


@pytest.mark.parametrize("measure", SCIPY)
@pytest.mark.parametrize("digits", [1, 9])  # with ties, and without
def test_an_interval_is_made_of_scipys_values_of_the_resamples(measure: str, digits: int) -> None:
    predicted, given = pairs(40, digits)
    found = intervals(predicted, given, "own", "1")[measure]
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 40, (RESAMPLES, 40))
    values = [SCIPY[measure](predicted[row], given[row]).statistic for row in drawn]
    assert found == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=1e-9)


def test_the_error_is_measured_with_the_curve_of_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, given = pairs(40)
    monkeypatch.setattr(bootstrap, "map_predictions", lambda x, _: (x / 2, "logistic"))
    found = intervals(predicted, given, "own", "1")
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 40, (RESAMPLES, 40))
    errors = [np.sqrt(np.mean((predicted[row] / 2 - given[row]) ** 2)) for row in drawn]
    assert found["rmse"] == pytest.approx(np.percentile(errors, [2.5, 97.5]), abs=1e-9)
    assert found["plcc_mapped"] == pytest.approx(found["plcc"])


def test_the_interval_agrees_with_scipys_bootstrap() -> None:
    predicted, given = pairs(150)
    reference = stats.bootstrap(
        (given, predicted),
        lambda a, b: stats.spearmanr(a, b)[0],
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=1000,
        rng=3,
    ).confidence_interval
    found = intervals(predicted, given, "own", "1")["srocc"]
    assert found == pytest.approx((reference.low, reference.high), abs=0.02)


def test_neither_the_block_nor_the_run_changes_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, given = pairs(30)
    whole = intervals(predicted, given, "own", "1")
    assert intervals(predicted, given, "own", "1") == whole
    monkeypatch.setattr(bootstrap, "_BLOCK", 30 * 7)
    assert intervals(predicted, given, "own", "1") == whole
    assert intervals(predicted, given, "own", "2") != whole


def test_more_images_give_a_narrower_interval() -> None:
    widths = [np.ptp(intervals(*pairs(count), "own")["srocc"]) for count in (50, 500)]
    assert widths[1] < widths[0] / 2


@pytest.mark.parametrize("count", [FEWEST - 1, FEWEST])
def test_too_few_images_and_constant_predictions_have_no_interval(count: int) -> None:
    predicted, given = pairs(count)
    found = intervals(predicted, given, "own")
    assert found.keys() == set(MEASURES)
    assert all(math.isnan(low) == (count < FEWEST) for low, _ in found.values())
    constant = intervals(np.full(count, 0.5), given, "own")
    assert all(math.isnan(end) for name in ("srocc", "krocc", "plcc") for end in constant[name])


@pytest.mark.parametrize("measure", SCIPY)
@pytest.mark.parametrize("turned", [False, True])
def test_resamples_of_equal_values_are_left_out(measure: str, turned: bool) -> None:
    """A third of the resamples leave out the one image whose value differs from the others."""
    columns = np.append(np.full(29, 0.37), 0.41), pairs(30)[1]
    first, second = reversed(columns) if turned else columns
    found = intervals(first, second, "own", "1")[measure]
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 30, (RESAMPLES, 30))
    varied = [row for row in drawn if (row == 29).any()]
    assert len(varied) < 0.7 * RESAMPLES
    values = [SCIPY[measure](first[row], second[row]).statistic for row in varied]
    assert found == pytest.approx(np.nanpercentile(values, [2.5, 97.5]), abs=1e-9)


def test_values_that_differ_by_rounding_have_no_correlation() -> None:
    given = pairs(30)[1]
    found = intervals(0.3 + 1e-15 * given, given, "own", "1")
    assert all(math.isnan(end) for end in found["plcc"])


def test_a_difference_is_taken_on_the_resamples_of_the_intervals() -> None:
    predicted, given = pairs(30)
    other = pairs(30, seed=1)[0]
    of_zero = interval_of_difference(predicted, predicted, given, "own", "1")
    assert of_zero == (0.0, 0.0)
    low, high = interval_of_difference(predicted, other, given, "own", "1")
    assert interval_of_difference(other, predicted, given, "own", "1") == pytest.approx((-high, -low))
    # an image that is hard for both models does not widen the interval of their difference
    noisier = predicted + np.random.default_rng(2).normal(0, 0.02, 30)
    ends = interval_of_difference(predicted, noisier, given, "own", "1")
    assert np.ptp(ends) < np.ptp(intervals(predicted, given, "own", "1")["srocc"]) / 3
    assert np.isnan(
        interval_of_difference(*(x[: FEWEST - 1] for x in (predicted, other, given)), "own")
    ).all()
