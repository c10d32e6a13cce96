"""Correlations against scipy and by their definitions, and values that have none."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from mosforge.core.errors import MosforgeError
from mosforge.statistics import logistic
from mosforge.statistics.correlations import correlations


def noisy(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    given_ = rng.uniform(0, 1, count)
    return 1 / (1 + np.exp(-6 * (given_ - 0.5))) + rng.normal(0, 0.1, count), given_


def test_the_values_are_scipys() -> None:
    predicted, given_ = noisy()
    found = correlations(predicted, given_)
    assert found["images"] == 60
    assert found["srocc"] == pytest.approx(stats.spearmanr(predicted, given_).statistic, abs=1e-12)
    assert found["krocc"] == pytest.approx(stats.kendalltau(predicted, given_).statistic, abs=1e-12)
    assert found["plcc"] == pytest.approx(stats.pearsonr(predicted, given_).statistic, abs=1e-12)


def test_the_values_are_those_of_the_definitions() -> None:
    predicted, given_ = (np.round(x, 1) for x in noisy(25))  # with ties
    found = correlations(predicted, given_)
    ranks = [stats.rankdata(x) for x in (predicted, given_)]
    assert found["srocc"] == pytest.approx(np.corrcoef(*ranks)[0, 1])
    signs = [[np.sign(x[i] - x[j]) for i, j in combinations(range(25), 2)] for x in (predicted, given_)]
    tau_b = np.dot(*signs) / np.sqrt(np.abs(signs[0]).sum() * np.abs(signs[1]).sum())
    assert found["krocc"] == pytest.approx(tau_b)
    centred = [x - x.mean() for x in (predicted, given_)]
    assert found["plcc"] == pytest.approx(
        np.dot(*centred) / np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    )


def test_the_mapped_values_follow_a_logistic() -> None:
    given_ = np.linspace(0.05, 0.95, 50)
    predicted = 3 + 0.2 * np.log(given_ / (1 - given_))  # the inverse of a logistic: mapped back, it is exact
    found = correlations(predicted, given_)
    assert found["mapping"] == "logistic"
    assert found["plcc"] < 0.999
    assert found["plcc_mapped"] == pytest.approx(1, abs=1e-6)
    assert found["rmse"] == pytest.approx(0, abs=1e-4)


def test_the_mapping_never_makes_the_error_larger() -> None:
    predicted, given_ = noisy()
    assert correlations(predicted, given_)["rmse"] <= np.sqrt(np.mean((predicted - given_) ** 2))


def test_the_mapped_pearson_is_no_smaller_than_the_raw_one() -> None:
    predicted, given_ = noisy()
    found = correlations(predicted, given_)
    assert found["plcc_mapped"] >= found["plcc"] - 1e-6


_SCORES = st.lists(st.integers(-1000, 1000), min_size=5, max_size=12)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), values=_SCORES)
def test_a_monotone_map_leaves_the_ranks(data: st.DataObject, values: list[int]) -> None:
    predicted = np.array(values) / 1000
    given_ = (
        np.array(data.draw(st.lists(st.integers(0, 50), min_size=len(values), max_size=len(values)))) / 50
    )
    assume(np.ptp(predicted) > 0 and np.ptp(given_) > 0)
    found = correlations(predicted, given_)
    for mapped in (np.exp(predicted), 100 * predicted - 7, predicted**3):
        other = correlations(mapped, given_)
        assert other["srocc"] == pytest.approx(found["srocc"], abs=1e-9)
        assert other["krocc"] == pytest.approx(found["krocc"], abs=1e-9)
    assert correlations(100 * predicted - 7, given_)["plcc"] == pytest.approx(found["plcc"], abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), values=_SCORES)
def test_a_turned_direction_turns_the_sign(data: st.DataObject, values: list[int]) -> None:
    predicted = np.array(values) / 1000
    given_ = (
        np.array(data.draw(st.lists(st.integers(0, 50), min_size=len(values), max_size=len(values)))) / 50
    )
    assume(np.ptp(predicted) > 0 and np.ptp(given_) > 0)
    found, turned = correlations(predicted, given_), correlations(-predicted, given_)
    for name in ("srocc", "krocc", "plcc"):
        assert turned[name] == pytest.approx(-found[name], abs=1e-9)
        assert -1 - 1e-9 <= found[name] <= 1 + 1e-9


@pytest.mark.parametrize(
    ("predicted", "given_"), [([0.5] * 9, np.linspace(0, 1, 9)), (np.linspace(0, 1, 9), [0.5] * 9)]
)
def test_a_constant_has_no_correlation(predicted: list[float], given_: list[float]) -> None:
    found = correlations(np.array(predicted), np.array(given_))
    for name in ("srocc", "krocc", "plcc", "plcc_mapped"):
        assert np.isnan(found[name])
    assert found["mapping"] == "none"
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((np.array(predicted) - np.array(given_)) ** 2)))


def test_two_images_are_enough_and_one_is_not() -> None:
    found = correlations(np.array([0.1, 0.3]), np.array([0.4, 0.5]))
    assert [found[name] for name in ("srocc", "krocc", "plcc")] == pytest.approx([1, 1, 1])
    assert found["mapping"] == "none"
    assert found["plcc_mapped"] == found["plcc"]
    assert found["rmse"] == pytest.approx(np.sqrt((0.3**2 + 0.2**2) / 2))
    for count in (0, 1):
        with pytest.raises(MosforgeError, match="two test"):
            correlations(np.full(count, 0.5), np.full(count, 0.5))


def test_predictions_and_scores_of_other_shapes_are_refused() -> None:
    """Columns of numbers would be ranked as several variables, or be subtracted each from each."""
    predicted, given_ = noisy()
    columns = predicted[:, None], given_[:, None]
    for values in ((columns[0], given_), columns, (predicted[1:], given_)):
        with pytest.raises(MosforgeError, match="for each image"):
            correlations(*values)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(bad: float) -> None:
    good, spoilt = noisy()
    spoilt[3] = bad
    for predicted, given_ in ((good, spoilt), (spoilt, good)):
        with pytest.raises(MosforgeError, match="not a finite number"):
            correlations(predicted, given_)


def test_without_convergence_the_raw_values_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    def does_not_converge(*_: object, **__: object) -> None:
        raise RuntimeError("Optimal parameters not found")

    monkeypatch.setattr(logistic, "curve_fit", does_not_converge)
    predicted, given_ = noisy()
    found = correlations(predicted, given_)
    assert found["mapping"] == "none"
    assert found["plcc_mapped"] == found["plcc"]
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((predicted - given_) ** 2)))


def test_anti_correlated_predictions_are_said_to_be_so() -> None:
    predicted, given_ = noisy()
    found = correlations(-predicted, given_)
    assert found["mapping"] == "falling"
    assert found["plcc"] < 0 < found["plcc_mapped"]
    assert found["plcc_mapped"] == pytest.approx(correlations(predicted, given_)["plcc_mapped"], abs=1e-4)
