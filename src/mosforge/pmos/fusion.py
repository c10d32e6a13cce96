"""Fusions of the six metrics into the pseudo-MOS (paper, 2.2: "the average score of the six methods")."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.errors import MosforgeError
from mosforge.orientation import DISTANCES, orient
from mosforge.tables import METRICS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fused:
    """The labels of a corpus.

    Attributes:
        pmos: mean of the six mapped scores, shape (n,), higher is better.
        agreement: their standard deviation, shape (n,).
        mapping: what maps the oriented scores, to be saved beside the labels; JSON values.
    """

    pmos: Floats
    agreement: Floats
    mapping: dict[str, Any]


def fuse(scores: Floats, fusion: str, knots: int) -> Fused:
    """Fuses raw scores, shape (n, 6), into the pseudo-MOS.

    Args:
        scores: raw scores in the order of `METRICS`.
        fusion: `mean` (the oriented scores as they are) or `quantile` (each through its empirical
            distribution over the corpus, so that all weigh the same).
        knots: points of the distribution that `quantile` keeps.
    """
    if len(scores) == 0:
        raise MosforgeError("there is no scored picture to fuse: the corpus is empty")
    oriented = orient(scores)
    mapping: dict[str, Any] = {"fusion": fusion, "distances": list(DISTANCES)}
    if fusion == "quantile":
        table = quantile_knots(oriented, knots)
        mapping["knots"] = {name: table[:, i].tolist() for i, name in enumerate(METRICS)}
        oriented = map_quantiles(oriented, table)
    return Fused(pmos=oriented.mean(axis=1), agreement=oriented.std(axis=1), mapping=mapping)


def quantile_knots(oriented: Floats, knots: int) -> Floats:
    """Values of each column at `knots` evenly spaced quantiles from 0 to 1, shape (knots, 6)."""
    return np.quantile(oriented, np.linspace(0.0, 1.0, knots), axis=0)


def map_quantiles(oriented: Floats, table: Floats) -> Floats:
    """The share of the corpus that lies below each score, by linear interpolation; shape (n, 6).

    Tied scores of the corpus (a run of equal knots) get the middle of their shares.
    """
    grid = np.linspace(0.0, 1.0, len(table))
    mapped = np.empty_like(oriented)
    for i in range(oriented.shape[1]):
        values, first = np.unique(table[:, i], return_index=True)
        last = np.append(first[1:], len(table)) - 1
        mapped[:, i] = np.interp(oriented[:, i], values, (grid[first] + grid[last]) / 2.0)
    return mapped
