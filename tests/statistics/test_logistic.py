"""The four-parameter logistic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.statistics.logistic import fit_logistic, logistic

CURVE = (0.9, 0.1, 0.45, 0.08)


def test_the_curve_is_the_formula() -> None:
    x = np.linspace(-1, 2, 13)
    upper, lower, centre, width = CURVE
    np.testing.assert_allclose(
        logistic(x, *CURVE), (upper - lower) / (1 + np.exp(-(x - centre) / width)) + lower
    )
    np.testing.assert_array_equal(logistic(x, *CURVE), logistic(x, upper, lower, centre, -width))


def test_the_parameters_of_a_curve_are_found() -> None:
    x = np.linspace(0, 1, 60)
    found = fit_logistic(x, logistic(x, *CURVE))
    assert found is not None
    np.testing.assert_allclose(logistic(x, *found), logistic(x, *CURVE), atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-100, 100))
def test_the_unit_of_the_predictions_does_not_matter(scale: float, shift: float) -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 1, 80)
    given_ = logistic(x, *CURVE) + rng.normal(0, 0.05, 80)
    expected = fit_logistic(x, given_)
    y = (x + shift) * scale
    found = fit_logistic(y, given_)
    assert expected is not None
    assert found is not None
    np.testing.assert_allclose(logistic(y, *found), logistic(x, *expected), atol=1e-3)


@pytest.mark.parametrize(
    ("predicted", "given_"),
    [
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]),
        ([0.5] * 9, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.3] * 6),
    ],
)
def test_data_that_determine_no_curve_give_none(predicted: list[float], given_: list[float]) -> None:
    assert fit_logistic(np.array(predicted), np.array(given_)) is None


def test_a_curve_that_is_flat_but_for_rounding_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(0, 1, 20)
    monkeypatch.setattr(
        "mosforge.statistics.logistic.curve_fit",
        lambda *_, **__: (np.array([0.4, 0.4 + 1e-13, 0.5, 0.1]), None),
    )
    assert fit_logistic(x, x) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 2), st.sampled_from([0.0, 0.5, 1.0])), min_size=5, max_size=12))
def test_a_curve_that_is_found_has_a_value_everywhere(points: list[tuple[float, float]]) -> None:
    predicted, given_ = np.array(points).T
    found = fit_logistic(predicted, given_)
    if found is not None:
        with np.errstate(all="ignore"):
            assert np.isfinite(logistic(predicted, *found)).all()
