"""Intervals against scipy, resample by resample and as a whole."""

import math
from collections.abc import Sized

import numpy as np
import pytest
from scipy import stats

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.seeds import generator
from mosforge.statistics import intervals as bootstrap
from mosforge.statistics.intervals import FEWEST_CONTENTS, interval_of_difference, intervals, within_contents

SCIPY = {"srocc": stats.spearmanr, "krocc": stats.kendalltau, "plcc": stats.pearsonr}


FEW = 200
"""Resamples where scipy, which takes one at a time, is asked for each."""


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", FEW)


def pairs(count: int, digits: int = 9, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    scores = draws.uniform(size=count)
    return np.round(scores + draws.normal(0, 0.2, count), digits), np.round(scores, digits)


def names(values: Sized) -> list[str]:
    """A content for each image, which sort as the images do."""
    return [f"{place:05}" for place in range(len(values))]


def difference(first: np.ndarray, second: np.ndarray, given: np.ndarray) -> tuple[float, float]:
    return interval_of_difference(first[None], second[None], given, names(given), "own", "1")


@pytest.mark.parametrize("measure", SCIPY)
@pytest.mark.parametrize("digits", [1, 9])  # with ties, and without
@pytest.mark.usefixtures("few_resamples")
def test_an_interval_is_made_of_scipys_values_of_the_resamples(measure: str, digits: int) -> None:
    predicted, given = pairs(40, digits)
    found = intervals(predicted, given, names(given), "own", "1")[measure]
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 40, (FEW, 40))
    values = [SCIPY[measure](predicted[row], given[row]).statistic for row in drawn]
    assert found == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=1e-9)


@pytest.mark.usefixtures("few_resamples")
def test_the_error_is_measured_with_the_curve_of_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, given = pairs(40)
    monkeypatch.setattr(bootstrap, "map_predictions", lambda x, _: (x / 2, "logistic"))
    found = intervals(predicted, given, names(given), "own", "1")
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 40, (FEW, 40))
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
    found = intervals(predicted, given, names(given), "own", "1")["srocc"]
    assert found == pytest.approx((reference.low, reference.high), abs=0.02)


def test_neither_the_block_nor_the_run_changes_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, given = pairs(30)
    whole = intervals(predicted, given, names(given), "own", "1")
    assert intervals(predicted, given, names(given), "own", "1") == whole
    monkeypatch.setattr(bootstrap, "_BLOCK", 30 * 7)
    assert intervals(predicted, given, names(given), "own", "1") == whole
    assert intervals(predicted, given, names(given), "own", "2") != whole


def test_more_images_give_a_narrower_interval() -> None:
    widths = [np.ptp(intervals(*pairs(count), names(range(count)), "own")["srocc"]) for count in (50, 500)]
    assert widths[1] < widths[0] / 2


@pytest.mark.parametrize("count", [FEWEST_CONTENTS - 1, FEWEST_CONTENTS])
def test_too_few_images_and_constant_predictions_have_no_interval(count: int) -> None:
    predicted, given = pairs(count)
    found = intervals(predicted, given, names(given), "own")
    assert found.keys() == set(MEASURES)
    assert all(math.isnan(low) == (count < FEWEST_CONTENTS) for low, _ in found.values())
    constant = intervals(np.full(count, 0.5), given, names(given), "own")
    assert all(math.isnan(end) for name in ("srocc", "krocc", "plcc") for end in constant[name])


@pytest.mark.parametrize("measure", SCIPY)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.usefixtures("few_resamples")
def test_resamples_of_equal_values_are_left_out(measure: str, turned: bool) -> None:
    """A third of the resamples leave out the one image whose value differs from the others."""
    columns = np.append(np.full(29, 0.37), 0.41), pairs(30)[1]
    first, second = reversed(columns) if turned else columns
    found = intervals(first, second, names(first), "own", "1")[measure]
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 30, (FEW, 30))
    varied = [row for row in drawn if (row == 29).any()]
    assert len(varied) < 0.75 * FEW
    values = [SCIPY[measure](first[row], second[row]).statistic for row in varied]
    assert found == pytest.approx(np.nanpercentile(values, [2.5, 97.5]), abs=1e-9)


def test_values_that_differ_by_rounding_have_no_correlation() -> None:
    given = pairs(30)[1]
    found = intervals(0.3 + 1e-15 * given, given, names(given), "own", "1")
    assert all(math.isnan(end) for end in found["plcc"])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_without_an_order_are_refused(bad: float) -> None:
    """In a rank, NaN would stand above all numbers."""
    predicted, given = pairs(40)
    spoiled = np.where(np.arange(40) == 7, bad, predicted)
    for values in ((spoiled, given), (predicted, spoiled)):
        with pytest.raises(MosforgeError, match="not a finite number"):
            intervals(*values, names(given), "own", "1")
    for models in ((spoiled, predicted), (predicted, spoiled)):
        with pytest.raises(MosforgeError, match="not a finite number"):
            difference(*models, given)


def test_each_image_has_a_prediction_a_score_and_a_content() -> None:
    predicted, given = pairs(40)
    for values in ((predicted[1:], given), (predicted, given[:, None]), (predicted[:3], given[:3])):
        with pytest.raises(MosforgeError, match="for each image"):
            intervals(*values, names(given), "own", "1")
    with pytest.raises(MosforgeError, match="for each image"):
        difference(predicted[1:], predicted[1:], given)


def test_a_difference_is_taken_on_the_resamples_of_the_intervals() -> None:
    predicted, given = pairs(30)
    other = pairs(30, seed=1)[0]
    of_zero = difference(predicted, predicted, given)
    assert of_zero == (0.0, 0.0)
    low, high = difference(predicted, other, given)
    assert difference(other, predicted, given) == pytest.approx((-high, -low))
    # an image that is hard for both models does not widen the interval of their difference
    noisier = predicted + np.random.default_rng(2).normal(0, 0.02, 30)
    ends = difference(predicted, noisier, given)
    assert np.ptp(ends) < np.ptp(intervals(predicted, given, names(given), "own", "1")["srocc"]) / 3
    assert np.isnan(difference(*(x[: FEWEST_CONTENTS - 1] for x in (predicted, other, given)))).all()


@pytest.mark.parametrize("measure", [*SCIPY, "rmse"])
@pytest.mark.usefixtures("few_resamples")
def test_a_content_is_drawn_with_all_its_images(measure: str) -> None:
    """Of contents of one to five images, in no order."""
    predicted, given = pairs(36)
    contents = np.random.default_rng(5).permutation(np.repeat(list("abcdefghijkl"), [1, 2, 3, 4, 5, 3] * 2))
    found = intervals(predicted, given, contents.tolist(), "own", "1")[measure]
    drawn = generator("bootstrap over test images", "own", "1").integers(0, 12, (FEW, 12))
    images = [np.flatnonzero(contents == name) for name in "abcdefghijkl"]
    rows = [np.concatenate([images[content] for content in row]) for row in drawn]
    if measure == "rmse":
        mapped = bootstrap.map_predictions(predicted, given)[0]
        values = [np.sqrt(np.mean((mapped[row] - given[row]) ** 2)) for row in rows]
    else:
        values = [SCIPY[measure](predicted[row], given[row]).statistic for row in rows]
    assert found == pytest.approx(np.nanpercentile(values, [2.5, 97.5]), abs=1e-9)


def test_the_correlation_within_contents_is_the_mean_of_scipys() -> None:
    """Contents of two images, and of equal scores, do not count; few contents have no interval."""
    rng = np.random.default_rng(3)
    given = rng.uniform(size=50)
    predicted = given + rng.normal(0, 0.2, 50)
    contents = [str(i // 7) for i in range(49)] + ["7"]
    predicted[7:14] = 0.5
    values = [
        stats.spearmanr(predicted[i : i + 7], given[i : i + 7]).statistic for i in range(0, 49, 7) if i != 7
    ]
    mean, low, high = within_contents(predicted, given, contents, "key")
    assert mean == pytest.approx(np.mean(values))
    wanted = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=9999, rng=1
    ).confidence_interval
    assert (low, high) == pytest.approx((wanted.low, wanted.high), abs=0.02)
    mean, low, high = within_contents(predicted[14:42], given[14:42], contents[14:42], "key")
    assert mean == pytest.approx(np.mean(values[1:5]))
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(map(math.isnan, within_contents(given[:2], given[:2], ["a", "a"], "key")))


def test_images_of_few_contents_say_less_than_as_many_contents() -> None:
    """Ten contents of 20 images that share their errors: to draw images one by one would be too narrow."""
    draws = np.random.default_rng(6)
    given = draws.uniform(size=200)
    contents = np.repeat(list("abcdefghij"), 20).tolist()
    predicted = given + np.repeat(draws.normal(0, 0.4, 10), 20) + draws.normal(0, 0.05, 200)
    widths = [np.ptp(intervals(predicted, given, kind, "own")["srocc"]) for kind in (contents, names(given))]
    assert widths[0] > 1.5 * widths[1]
    few = [name if name in "abcd" else "d" for name in contents]
    assert np.isnan(intervals(predicted, given, few, "own")["srocc"]).all()


def test_the_noise_of_several_trainings_widens_the_interval_of_a_difference() -> None:
    predicted, given = pairs(60)
    draws = np.random.default_rng(7)
    first, second = (predicted + draws.normal(0, 0.15, (3, 60)) for _ in range(2))
    alike = interval_of_difference(first[[0, 0, 0]], second[[0, 0, 0]], given, names(given), "own")
    assert alike == pytest.approx(interval_of_difference(first[:1], second[:1], given, names(given), "own"))
    ends = interval_of_difference(first, second, given, names(given), "own")
    gains = [
        stats.spearmanr(a, given)[0] - stats.spearmanr(b, given)[0]
        for a, b in zip(first, second, strict=True)
    ]
    student = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert np.ptp(ends) > student.high - student.low
