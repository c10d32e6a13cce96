"""How the fusion `calibrated` learns curves and weights of the metrics from KADID-10k's class means."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from mosforge.core.schemas.metrics import METRICS
from mosforge.pmos.fusion import fit_curves, map_curves
from mosforge.pmos.settings import CLASS_MEANS

Floats = npt.NDArray[np.float64]

_PULL = 1.0
"""How strongly weights are pulled towards equal ones, against the squared errors of 125 class means. Without
it, one metric gets nearly all the weight at one viewing scale, and types that were left out fit worse."""

_SUM = 1e3  # the weight of the equation by which the weights sum up to 1


def fit_calibration(oriented: Floats, quality: Floats, classes: Floats) -> dict[str, Any]:
    """Fits a rising curve from each metric, and non-negative weights of the curves.

    Args:
        oriented: scores of images, higher is better, shape (n, 6).
        quality: for each image the human class mean, in [0, 1], shape (n,).
        classes: its class, shape (n,): weights are fitted to class means.

    Returns:
        `weights` and `curves` by metric, as `Calibration` takes them.

    Raises:
        MosforgeError: the curve of a metric falls, or does not converge.
    """
    fitted = fit_curves(oriented, quality, CLASS_MEANS)
    mapped = pd.DataFrame(map_curves(oriented, fitted)).assign(quality=quality).groupby(classes).mean()
    count = len(METRICS)
    left = np.vstack(
        [mapped.to_numpy()[:, :count], np.sqrt(_PULL) * np.eye(count), np.full((1, count), _SUM)]
    )
    right = np.concatenate([mapped["quality"], np.full(count, np.sqrt(_PULL) / count), [_SUM]])
    weights, _ = nnls(left, right)
    shares = weights / weights.sum()
    curves = {name: {**curve, "width": abs(curve["width"])} for name, curve in fitted["curves"].items()}
    return {"weights": dict(zip(METRICS, shares.tolist(), strict=True)), "curves": curves}
