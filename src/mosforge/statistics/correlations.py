"""How well predictions, or any other numbers, agree with given scores (paper, section IV)."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, pearsonr, spearmanr

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import FEWEST_TESTED
from mosforge.statistics.logistic import fit_logistic, logistic

Floats = npt.NDArray[np.float64]


def correlations(predicted: Floats, given: Floats) -> dict[str, Any]:
    """SROCC, KROCC (tau-b), PLCC (raw and mapped) and RMSE of predictions.

    Args:
        predicted: predicted qualities, shape (n,), n at least `FEWEST_TESTED`.
        given: given qualities on [0, 1], higher is better, shape (n,).

    Returns:
        The values of the artefact `correlations`. `plcc_mapped` and `rmse` compare the given qualities with
        the predictions after the logistic mapping; where the logistic does not converge, `mapping` is `none`
        and they compare with the predictions as they are; where its best curve falls, `mapping` is `falling`:
        the predictions run against the given qualities, and `plcc_mapped` is positive all the same. The
        correlations of constant values are NaN.

    Raises:
        MosforgeError: there are fewer images than `FEWEST_TESTED`, a value is not finite, or not each image
            has both.
    """
    if np.ndim(predicted) != 1 or np.shape(predicted) != np.shape(given):
        raise MosforgeError(
            f"there must be one prediction and one given score for each image, in one row each; their shapes "
            f"are {np.shape(predicted)} and {np.shape(given)}"
        )
    if len(predicted) < FEWEST_TESTED:
        raise MosforgeError("a correlation needs at least two test images")
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
    """Maps predictions to the scale of the given scores, by the fitted logistic.

    Args:
        predicted: predicted qualities, shape (n,).
        given: given qualities, shape (n,).

    Returns:
        The mapped predictions and `logistic`, or `falling` where the fitted curve falls; where the fit does
        not converge, the predictions as they are and `none`.
    """
    found = fit_logistic(predicted, given)
    if found is None:
        return predicted, "none"
    upper, lower, _, _ = found
    return logistic(predicted, *found), "logistic" if upper > lower else "falling"
