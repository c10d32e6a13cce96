"""The four-parameter logistic that maps predicted to given scores.

It is that of the Video Quality Experts Group: Final report on the validation of objective models of video
quality assessment, 2000.
"""

import warnings

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit
from scipy.special import expit

Floats = npt.NDArray[np.float64]

_FLAT = 1e-9  # a curve that rises by a smaller share of the range of the scores is constant but for rounding


def logistic(x: Floats, upper: float, lower: float, centre: float, width: float) -> Floats:
    """(upper - lower) / (1 + exp(-(x - centre) / |width|)) + lower.

    Args:
        x: predicted scores, any shape.
        upper: value that the curve tends to for high scores.
        lower: value that it tends to for low scores.
        centre: score at which the curve is halfway between both.
        width: scale of the scores; its sign does not matter.
    """
    curve: Floats = (upper - lower) * expit((x - centre) / abs(width)) + lower
    return curve


def fit_logistic(
    predicted: Floats, given: Floats, plateaus: tuple[float, float] | None = None
) -> tuple[float, float, float, float] | None:
    """Fits the logistic that maps predicted to given scores, by least squares.

    Args:
        predicted: scores of a model, shape (n,).
        given: scores of people, shape (n,).
        plateaus: the lowest value of `lower` and the highest value of `upper`, with all of `given` between
            them; without limits by default.

    Returns:
        upper, lower, centre, width; None where the fit does not converge, and where no curve is determined:
        for fewer than five images, and for constant predictions.
    """
    spread = float(np.std(predicted))
    if len(predicted) < 5 or spread == 0.0:
        return None
    start = (float(given.max()), float(given.min()), float(predicted.mean()), spread)
    low, high = plateaus or (-np.inf, np.inf)
    bounds = ([low, low, -np.inf, -np.inf], [high, high, np.inf, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an uncertain covariance is no concern here
        try:
            found, _ = curve_fit(logistic, predicted, given, p0=start, bounds=bounds, maxfev=10_000)
        except (RuntimeError, ValueError):
            return None
        curve = logistic(predicted, *found)
    if not np.isfinite([*found, *curve]).all() or np.ptp(curve) <= _FLAT * np.ptp(given):
        return None
    upper, lower, centre, width = (float(value) for value in found)
    return upper, lower, centre, width
