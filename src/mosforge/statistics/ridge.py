"""Ridge regression whose strength is chosen by the error for contents that were left out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

STRENGTHS = 10.0 ** np.arange(-3, 3.25, 0.5)
"""Penalties that are tried, as multiples of the number of features: the mean eigenvalue of the Gram matrix of
standardised features is that number, so that the range fits any network."""

_SCORE_PRECISION = 1e-6
"""Relative deviation that float32 may have by itself: scores that differ by less are taken as equal."""

_WHOLE_LEVERAGE = 1 - 1e-9
"""Squared share of a content in a direction from which on nothing is left without it."""


class Ridge(NamedTuple):
    """A fitted regression from features, and from scores if there are some, to qualities."""

    weights: Floats  # of each feature as it is, shape (width,)
    factors: Floats  # of each score, shape (scores,)
    offset: float
    strength: float  # the chosen penalty, as a multiple of the number of features

    def predict(self, features: Floats, scores: Floats | None = None) -> Floats:
        """Features (n, width) and scores (n, scores) -> qualities (n,)."""
        qualities: Floats = features @ self.weights + self.offset
        return qualities if scores is None else qualities + scores @ self.factors


def fit_ridge(
    features: Floats, quality: Floats, contents: Sequence[str], scores: Floats | None = None
) -> Ridge:
    """Fits a ridge regression on standardised features; neither the intercept nor the scores are penalised.

    So what scores tell in a linear way is taken as it is, and the features tell the rest. Where scores would
    not be told apart without some content, as with too few contents, they do not take part.

    Args:
        features: shape (n, width).
        quality: given qualities, shape (n,).
        contents: the content of each image, at least two different ones. The strength is that of the
            smallest squared error of each image, predicted without the images of its content.
        scores: scores of other origin of the same images, shape (n, scores).
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    standard, centred = (features - mean) / scale, quality - quality.mean()
    of_content = pd.factorize(np.asarray(contents))[0]
    groups = [np.flatnonzero(of_content == content) for content in range(of_content.max() + 1)]
    scores = np.empty((len(quality), 0)) if scores is None else scores
    directions = _directions(scores, groups)
    # what the scores cannot tell of the features and of the qualities
    rest, left = standard, centred
    if directions.shape[1]:
        rest = standard - directions @ (directions.T @ standard)
        left = centred - directions @ (directions.T @ centred)
    values, vectors = _components(rest)
    penalties = STRENGTHS * features.shape[1]
    errors = [_left_out_error(values, vectors, left, directions, groups, penalty) for penalty in penalties]
    best = int(np.argmin(errors))
    along = (vectors.T @ left) / (values + penalties[best])
    weights = rest.T @ (vectors @ along)
    factors = np.zeros(scores.shape[1])
    if directions.shape[1]:
        told = directions @ (directions.T @ (centred - standard @ weights))
        factors = np.linalg.lstsq(scores - scores.mean(axis=0), told, rcond=None)[0]
    weights = weights / scale
    offset = float(quality.mean() - mean @ weights - scores.mean(axis=0) @ factors)
    return Ridge(weights, factors, offset, float(STRENGTHS[best]))


def _directions(scores: Floats, groups: list[npt.NDArray[np.int64]]) -> Floats:
    """An orthonormal basis of the centred scores, shape (n, r).

    It is empty where some content has all of a direction, so that nothing of it is left without that content.
    """
    if scores.shape[1] == 0:
        return scores
    basis, sizes, _ = np.linalg.svd(scores - scores.mean(axis=0), full_matrices=False)
    basis = basis[:, sizes > _SCORE_PRECISION * np.abs(scores).max() * len(scores) ** 0.5]
    with_ones = np.hstack([basis, np.full((len(scores), 1), len(scores) ** -0.5)])
    whole = any(np.linalg.norm(with_ones[group], 2) ** 2 > _WHOLE_LEVERAGE for group in groups)
    return basis[:, :0] if whole else basis


def _components(standard: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues of the Gram matrix X X^T that are not zero, shape (r,), and its eigenvectors, (n, r).

    They are taken from the smaller one of X X^T and X^T X.
    """
    count, width = standard.shape
    if count <= width:
        values, vectors = np.linalg.eigh(standard @ standard.T)
    else:
        values, vectors = np.linalg.eigh(standard.T @ standard)
    kept = values > values[-1] * max(count, width) * np.finfo(float).eps
    values, vectors = values[kept], vectors[:, kept]
    return values, vectors if count <= width else standard @ vectors / np.sqrt(values)


def _left_out_error(
    values: Floats,
    vectors: Floats,
    left: Floats,
    directions: Floats,
    groups: list[npt.NDArray[np.int64]],
    penalty: float,
) -> float:
    """The mean squared error of images that are predicted without those of their content, of one penalty.

    A regression without some images need not be fitted: with the hat matrix H, whose product with the given
    values are the fitted ones, their errors are (I - H_gg)^-1 times the residuals of the whole fit (Hastie,
    Tibshirani and Friedman, The Elements of Statistical Learning, 2009, 7.10, for groups). The means and
    deviations of the features stay those of all images.
    """
    shrunk = vectors * (values / (values + penalty))
    residuals = left - shrunk @ (vectors.T @ left)
    total = 0.0
    for group in groups:
        hat = shrunk[group] @ vectors[group].T + 1.0 / len(left)
        hat += directions[group] @ directions[group].T
        total += float(np.sum(np.linalg.solve(np.eye(len(group)) - hat, residuals[group]) ** 2))
    return total / len(left)
