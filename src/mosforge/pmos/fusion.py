"""Fusions of the six metrics into the pseudo-MOS (paper, 2.2: "the average score of the six methods")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.metrics import DISTANCES, METRICS, orient
from mosforge.core.tables import Frame
from mosforge.statistics.logistic import fit_logistic, logistic

Floats = npt.NDArray[np.float64]

_PARAMETERS = ("upper", "lower", "centre", "width")


@dataclass(frozen=True)
class Fused:
    """The labels of a corpus."""

    pmos: Floats  # weighted mean of the mapped scores, shape (n,), higher is better
    agreement: Floats  # their weighted standard deviation, shape (n,)
    mapping: dict[str, Any]  # what maps the oriented scores, to be saved beside the labels; JSON values


def fuse_scores(
    scores: Floats,
    fusion: str,
    knots: int,
    weights: Mapping[str, float],
    curves: Mapping[str, Any] | None = None,
) -> Fused:
    """Fuses raw scores, shape (n, 6), into the pseudo-MOS.

    Args:
        scores: raw scores in the order of `METRICS`.
        fusion: `mean`, `quantile`, `logistic` or `calibrated`.
        knots: number of quantiles that are saved, also for the other fusions, so that `validate` can map a
            dataset through this corpus.
        weights: of each metric, relative to each other; not all 0.
        curves: for `logistic` and `calibrated`: `dataset`, what they were fitted to, and `curves`, by metric.
    """
    if len(scores) == 0:
        raise MosforgeError("there is no scored image to fuse: the corpus is empty")
    oriented = orient(scores)
    table = quantile_knots(oriented, knots)
    mapping: dict[str, Any] = {
        "fusion": fusion,
        "distances": list(DISTANCES),
        "weights": {name: weights[name] for name in METRICS},
        "knots": {name: table[:, i].tolist() for i, name in enumerate(METRICS)},
    }
    if curves is not None:
        mapping["fitted"] = dict(curves)
    pmos, agreement = weigh(map_scores(oriented, fusion, mapping), weights)
    return Fused(pmos=pmos, agreement=agreement, mapping=mapping)


def weigh(mapped: Floats, weights: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Weighted mean and standard deviation of mapped scores, shape (n, 6): both of shape (n,)."""
    shares = np.array([weights[name] for name in METRICS], dtype=np.float64)
    shares = shares / shares.sum()
    mean = (mapped * shares).sum(axis=1)  # row by row: with BLAS the last bit depends on the other rows
    return mean, np.sqrt((np.square(mapped - mean[:, None]) * shares).sum(axis=1))


def map_scores(oriented: Floats, fusion: str, mapping: Mapping[str, Any]) -> Floats:
    """Oriented scores as a fusion averages them, shape (n, 6).

    Args:
        oriented: scores of any images, shape (n, 6).
        fusion: `mean` (as they are), `quantile` (each through its empirical distribution over a corpus, so
            that all have the same spread), or `logistic` and `calibrated` (each through its curve).
        mapping: of that corpus, as `fuse_scores` made it or as it was saved.
    """
    if fusion == "quantile":
        return map_quantiles(oriented, np.column_stack([mapping["knots"][name] for name in METRICS]))
    if fusion in ("logistic", "calibrated"):
        return map_curves(oriented, mapping["fitted"])
    return oriented


def quantile_knots(oriented: Floats, knots: int) -> Floats:
    """Values of each column at `knots` evenly spaced quantiles from 0 to 1, shape (knots, 6)."""
    return np.quantile(oriented, np.linspace(0.0, 1.0, knots), axis=0)


def map_quantiles(oriented: Floats, table: Floats) -> Floats:
    """The share of the corpus that lies below each score, by linear interpolation; shape (n, 6).

    Tied scores of the corpus (a run of equal knots) get the middle of their shares; only the score of equal
    images, which is 1, gets the share 1, since none can be better.
    """
    grid = np.linspace(0.0, 1.0, len(table))
    mapped = np.empty_like(oriented)
    for i in range(oriented.shape[1]):
        values, first = np.unique(table[:, i], return_index=True)
        last = np.append(first[1:], len(table)) - 1
        shares = (grid[first] + grid[last]) / 2.0
        if values[-1] == 1.0:
            shares[-1] = 1.0
        mapped[:, i] = np.interp(oriented[:, i], values, shares)
    return mapped


def curves_of(targets: Frame) -> dict[str, Any]:
    """The curves from the six metrics to the human scores of a dataset (artefact `targets`).

    Raises:
        MosforgeError: no image of it could be scored, or as `fit_curves`.
    """
    if targets.empty:
        raise MosforgeError(
            "pmos.logistic.dataset: no image of it could be scored against its reference; name another"
        )
    oriented = orient(targets[list(METRICS)].to_numpy(dtype=np.float64))
    quality = targets["quality"].to_numpy(dtype=np.float64)
    return fit_curves(oriented, quality, str(targets["dataset"].iloc[0]))


def fit_curves(oriented: Floats, quality: Floats, dataset: str) -> dict[str, Any]:
    """Fits a curve from each metric to the qualities, with both plateaus in [0, 1], as qualities are.

    Args:
        oriented: scores of a dataset's images, higher is better, shape (n, 6).
        quality: their human scores, in [0, 1], shape (n,).
        dataset: its name.

    Returns:
        `dataset`, and `curves`: the four parameters by metric. JSON values.

    Raises:
        MosforgeError: a metric's fit does not converge or falls, so that the dataset cannot be used.
    """
    curves = {}
    for i, name in enumerate(METRICS):
        found = fit_logistic(oriented[:, i], quality, plateaus=(0.0, 1.0))
        if found is None or found[0] <= found[1]:
            why = "does not converge" if found is None else "falls"
            raise MosforgeError(
                f"the logistic from {name} to the scores of {dataset} {why}; fit to another dataset, or "
                "choose another fusion"
            )
        curves[name] = dict(zip(_PARAMETERS, found, strict=True))
    return {"dataset": dataset, "curves": curves}


def map_curves(oriented: Floats, fitted: Mapping[str, Any]) -> Floats:
    """Scores through the curves of `fit_curves`, shape (n, 6), in [0, 1]."""
    columns = [
        logistic(oriented[:, i], *(fitted["curves"][name][key] for key in _PARAMETERS))
        for i, name in enumerate(METRICS)
    ]
    return np.column_stack(columns)
