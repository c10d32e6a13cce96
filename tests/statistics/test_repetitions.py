"""Intervals over splits and trainings: their formulas, and how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy import stats

from mosforge.statistics.repetitions import corrected_interval, with_training_noise

FEATURES = 12
WEIGHTS = np.random.default_rng(99).normal(size=FEATURES)


def sroccs(draws: np.random.Generator, training: int, test: int, repeats: int) -> np.ndarray:
    """SROCC of regressions on all and on eight features, shape (repeats, 2), over splits of one dataset."""
    count = training + test
    x = draws.normal(size=(count, FEATURES))
    y = np.tanh(x @ WEIGHTS / 3) + draws.normal(0, 0.5, count)
    found = []
    for _ in range(repeats):
        order = draws.permutation(count)
        learnt, tested = order[:training], order[training:]
        ranks = stats.rankdata(y[tested])
        row = []
        for kept in (FEATURES, FEATURES - 4):
            a = x[learnt][:, :kept]
            scores = x[tested][:, :kept] @ np.linalg.solve(a.T @ a, a.T @ y[learnt])
            row.append(np.corrcoef(stats.rankdata(scores), ranks)[0, 1])
        found.append(row)
    return np.array(found)


def test_the_corrected_interval_covers_what_students_does_not() -> None:
    """Ten splits of 500 images, 80 and 20%, of one model and of the difference of two."""
    draws = np.random.default_rng(0)
    # another test set each time: the mean over datasets, which is what a dataset's splits estimate
    truth = np.mean([sroccs(draws, 400, 4000, 1)[0] for _ in range(60)], axis=0)
    held = np.zeros((2, 2))
    for _ in range(120):
        values = sroccs(draws, 400, 100, 10)
        for place, (of, true) in enumerate(
            ((values[:, 0], truth[0]), (values[:, 0] - values[:, 1], truth[0] - truth[1]))
        ):
            for kind, ratio in enumerate((0.0, 100 / 400)):  # Student's is that of no shared images
                low, high = corrected_interval(of, ratio)
                held[place, kind] += low <= true <= high
    student, corrected = held.T / 120
    assert (student < 0.83).all()
    assert (corrected > 0.90).all()


def test_without_shared_images_it_is_students() -> None:
    values = [0.80, 0.70, 0.75, 0.90]
    wanted = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert corrected_interval(values, 0.0) == pytest.approx((wanted.low, wanted.high))
    low, high = corrected_interval(values, 0.25)
    assert high - low == pytest.approx((wanted.high - wanted.low) * math.sqrt((1 / 4 + 0.25) / (1 / 4)))


@pytest.mark.parametrize(
    ("values", "ratio"),
    [
        *[([0.5], 0.25), ([0.5, math.nan], 0.25), ([0.5, 0.6], math.nan)],
        *[([0.0, 0.0], 0.25), ([0.9 - 0.8, 0.8 - 0.7, 0.7 - 0.6], 0.25)],  # equal, here but for rounding
    ],
)
def test_what_is_undefined_has_no_interval(values: list[float], ratio: float) -> None:
    assert np.isnan(corrected_interval(values, ratio)).all()


def test_one_training_leaves_the_interval_as_it_is() -> None:
    assert with_training_noise((0.7, 0.9), [0.81]) == (0.7, 0.9)
    assert with_training_noise((0.7, 0.9), [0.8, 0.8, 0.8]) == pytest.approx((0.7, 0.9))


def test_the_noise_of_training_is_in_the_interval() -> None:
    """Images and trainings both vary; over the images only, the interval would hold the truth less often."""
    draws = np.random.default_rng(1)
    held = np.zeros(2)
    for _ in range(400):
        shared, own = draws.normal(0, 0.03), draws.normal(0, 0.03, 3)
        values = 0.8 + shared + own  # of three trainings, tested on the same images
        ends = values.mean() - 1.96 * 0.03, values.mean() + 1.96 * 0.03
        for kind, (low, high) in enumerate((ends, with_training_noise(ends, values))):
            held[kind] += low <= 0.8 <= high
    over_images, both = held / 400
    assert over_images < 0.93
    assert 0.94 < both < 1
