"""How well predictions, or any other numbers, agree with given scores (paper, section IV)."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, pearsonr, spearmanr

from mosforge.core.errors import MosforgeError
from mosforge.statistics.logistic import fit_logistic, logistic

Floats = npt.NDArray[np.float64]

FEWEST = 2
"""Pictures that a correlation needs."""


def correlations(predicted: Floats, given: Floats) -> dict[str, Any]:
    """SROCC, KROCC, PLCC (raw and mapped) and RMSE of predictions.

    Args:
        predicted: predicted qualities, shape (n,), n at least `FEWEST`.
        given: given qualities on [0, 1], higher is better, shape (n,).

    Returns:
        The values of the artefact `correlations`. A constant prediction has no correlation: NaN. Where
        the logistic does not converge, `mapping` is `none` and the raw values stand.
    """
    if len(predicted) < FEWEST:
        raise MosforgeError("a correlation needs two test pictures at least")
    if not (np.isfinite(predicted).all() and np.isfinite(given).all()):
        raise MosforgeError("a prediction or a given score is not a finite number")
    constant = np.ptp(predicted) == 0 or np.ptp(given) == 0
    mapped, mapping = map_predictions(predicted, given)
    return {
        "images": len(predicted),
        "srocc": np.nan if constant else float(spearmanr(predicted, given).statistic),
        "krocc": np.nan if constant else float(kendalltau(predicted, given).statistic),
        "plcc": np.nan if constant else float(pearsonr(predicted, given).statistic),
        "plcc_mapped": np.nan if constant else float(pearsonr(mapped, given).statistic),
        "rmse": float(np.sqrt(np.mean((mapped - given) ** 2))),
        "mapping": mapping,
    }


def map_predictions(predicted: Floats, given: Floats) -> tuple[Floats, str]:
    """Predictions on the scale of the given scores, through the fitted logistic.

    Returns:
        The mapped predictions and `logistic`; or, where the fit does not converge, the predictions as they
        are and `none`.
    """
    found = fit_logistic(predicted, given)
    return (predicted, "none") if found is None else (logistic(predicted, *found), "logistic")
