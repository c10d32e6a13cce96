"""The fusion `logistic`: each metric through a rising logistic that was fitted to human scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.measures import METRICS, orient
from mosforge.core.tables import Frame
from mosforge.statistics.logistic import fit_logistic, logistic

Floats = npt.NDArray[np.float64]

_PARAMETERS = ("upper", "lower", "centre", "width")


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
                f"the logistic from {name} to the scores of {dataset} {why}; choose another dataset for "
                "pmos.logistic.dataset, or another fusion"
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
