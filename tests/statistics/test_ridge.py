"""The ridge regression of a probe, against one that is fitted again without each content."""

import numpy as np
import pytest

from mosforge.statistics.ridge import STRENGTHS, Floats, fit_ridge


def data(count: int, width: int, noise: float) -> tuple[Floats, Floats, list[str]]:
    """Features of which three tell the quality, one is constant; contents of one to three images."""
    rng = np.random.default_rng(count)
    features = rng.normal(3, 2, (count, width))
    features[:, -1] = 7.0
    quality = 0.5 + features[:, :3] @ [0.1, -0.05, 0.02] + rng.normal(0, noise, count)
    return features, quality, [str(i * i % 13) for i in range(count)]


def standardised(features: Floats) -> Floats:
    deviation = features.std(axis=0)
    standard: Floats = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return standard


def by_hand(penalised: Floats, free: Floats, quality: Floats, contents: list[str]) -> tuple[float, Floats]:
    """The strength with the least error for contents left out, and the weights that it gives.

    Every regression is fitted from the normal equations. Columns of `free`, and one of ones that comes last,
    have no penalty.
    """
    width = penalised.shape[1]
    columns = np.hstack([penalised, free, np.ones((len(quality), 1))])

    def fitted(rows: np.ndarray, strength: float) -> Floats:
        penalties = np.diag([strength * width] * width + [0.0] * (free.shape[1] + 1))
        some = columns[rows]
        weights: Floats = np.linalg.solve(some.T @ some + penalties, some.T @ quality[rows])
        return weights

    errors = []
    for strength in STRENGTHS:
        error = 0.0
        for content in set(contents):
            out = np.array([name == content for name in contents])
            error += float(np.sum((columns[out] @ fitted(~out, strength) - quality[out]) ** 2))
        errors.append(error)
    best = float(STRENGTHS[int(np.argmin(errors))])
    return best, fitted(np.full(len(quality), True), best)


@pytest.mark.parametrize(("count", "width"), [(40, 8), (30, 60)])
def test_the_strength_has_the_least_error_for_contents_left_out(count: int, width: int) -> None:
    features, quality, contents = data(count, width, noise=0.2)
    standard = standardised(features)
    best, weights = by_hand(standard, np.empty((count, 0)), quality, contents)
    found = fit_ridge(features, quality, contents)
    assert found.strength == best
    assert STRENGTHS[0] < best < STRENGTHS[-1], "the example decides between strengths"
    np.testing.assert_allclose(found.predict(features), standard @ weights[:-1] + weights[-1], atol=1e-9)


@pytest.mark.parametrize("width", [8, 60])
def test_scores_are_not_penalised(width: int) -> None:
    features, quality, contents = data(40, width, noise=0.2)
    rng = np.random.default_rng(5)
    scores = np.stack([0.3 * quality + rng.normal(0, 0.05, 40), rng.normal(9, 4, 40)], axis=1)
    standard = standardised(features)
    best, weights = by_hand(standard, scores, quality, contents)
    found = fit_ridge(features, quality, contents, scores)
    assert found.strength == best
    np.testing.assert_allclose(found.factors, weights[-3:-1], rtol=1e-6)
    expected = np.hstack([standard, scores]) @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(found.predict(features, scores), expected, atol=1e-9)


def test_a_score_that_tells_all_is_taken_as_it_is() -> None:
    features, quality, contents = data(12, 60, noise=0.5)
    found = fit_ridge(features, quality, contents, 3 - 7 * quality[:, None])
    assert found.factors == pytest.approx(-1 / 7)
    np.testing.assert_allclose(found.weights, 0, atol=1e-9)


@pytest.mark.parametrize(
    "scores",
    [np.full((12, 1), 0.7), np.full((12, 1), 0.7) + 1e-8 * np.arange(12)[:, None], np.eye(12)[:, :1]],
    ids=["equal", "equal in float32", "of one content"],
)
def test_scores_that_tell_nothing_take_no_part(scores: Floats) -> None:
    features, quality, _ = data(12, 60, noise=0.5)
    contents = [str(i) for i in range(12)]
    found, without = fit_ridge(features, quality, contents, scores), fit_ridge(features, quality, contents)
    assert found.factors.tolist() == [0.0]
    assert (found.strength, found.offset) == (without.strength, without.offset)
    np.testing.assert_array_equal(found.weights, without.weights)


def test_two_scores_that_are_one_share_the_factor() -> None:
    features, quality, contents = data(40, 8, noise=0.2)
    score = np.random.default_rng(2).normal(0, 1, (40, 1))
    one = fit_ridge(features, quality, contents, score)
    two = fit_ridge(features, quality, contents, np.hstack([score, score]))
    np.testing.assert_allclose(two.factors, [float(one.factors[0]) / 2] * 2)
    np.testing.assert_allclose(two.weights, one.weights)


def test_images_of_one_content_do_not_vouch_for_each_other() -> None:
    """Copies of an image would speak for no penalty at all, if each was predicted from the others."""
    features, quality, _ = data(12, 60, noise=0.5)
    rng = np.random.default_rng(1)
    copies = np.repeat(features, 4, axis=0) + rng.normal(0, 1e-3, (48, 60))
    contents = [str(i) for i in np.repeat(np.arange(12), 4)]
    given = np.repeat(quality, 4)
    kept_together = fit_ridge(copies, given, contents)
    apart = fit_ridge(copies, given, [str(i) for i in range(48)])
    assert kept_together.strength > apart.strength
