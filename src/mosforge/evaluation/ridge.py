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


class Ridge(NamedTuple):
    """A fitted regression from features to qualities."""

    weights: Floats  # of each feature as it is, shape (width,)
    offset: float
    strength: float  # the chosen penalty, as a multiple of the number of features

    def predict(self, features: Floats) -> Floats:
        """Features (n, width) -> qualities (n,)."""
        qualities: Floats = features @ self.weights + self.offset
        return qualities


def fit_ridge(features: Floats, quality: Floats, contents: Sequence[str]) -> Ridge:
    """Fits a ridge regression on standardised features; the intercept is not penalised.

    Args:
        features: shape (n, width).
        quality: given qualities, shape (n,).
        contents: the content of each image, at least two different ones. The strength is that of the
            smallest squared error of each image, predicted without the images of its content.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    standard, centred = (features - mean) / scale, quality - quality.mean()
    values, vectors = _components(standard)
    penalties = STRENGTHS * features.shape[1]
    of_content = pd.factorize(np.asarray(contents))[0]
    groups = [np.flatnonzero(of_content == content) for content in range(of_content.max() + 1)]
    errors = [_left_out_error(values, vectors, centred, groups, penalty) for penalty in penalties]
    best = int(np.argmin(errors))
    along = (vectors.T @ centred) / (values + penalties[best])
    weights = (standard.T @ (vectors @ along)) / scale
    return Ridge(weights, float(quality.mean() - mean @ weights), float(STRENGTHS[best]))


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
    values: Floats, vectors: Floats, centred: Floats, groups: list[npt.NDArray[np.int64]], penalty: float
) -> float:
    """The mean squared error of images that are predicted without those of their content, of one penalty.

    A regression without some images need not be fitted: with the hat matrix H, whose product with the given
    values are the fitted ones, their errors are (I - H_gg)^-1 times the residuals of the whole fit (Hastie,
    Tibshirani and Friedman, The Elements of Statistical Learning, 2009, 7.10, for groups). The means and
    deviations of the features stay those of all images.
    """
    shrunk = vectors * (values / (values + penalty))
    residuals = centred - shrunk @ (vectors.T @ centred)
    total = 0.0
    for group in groups:
        hat = shrunk[group] @ vectors[group].T + 1.0 / len(centred)
        total += float(np.sum(np.linalg.solve(np.eye(len(group)) - hat, residuals[group]) ** 2))
    return total / len(centred)
