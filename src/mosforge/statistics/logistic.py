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
Curve = tuple[float, float, float, float]
"""upper, lower, centre, width."""

_FLAT = 1e-9  # a curve that rises by a smaller share of the range of the scores is constant but for rounding

_CENTRES = np.linspace(0.02, 0.98, 13)  # quantiles of the predictions
_WIDTHS = np.array([0.02, 0.1, 0.3, 1.0, 3.0])  # in standard deviations of the predictions


def logistic(x: Floats, upper: float, lower: float, centre: float, width: float) -> Floats:
    """(upper - lower) / (1 + exp(-(x - centre) / |width|)) + lower.

    Args:
        x: predicted scores, any shape.
        upper: value that the curve tends to for high scores.
        lower: value that it tends to for low scores; a curve with `lower` above `upper` falls.
        centre: score at which the curve is halfway between both.
        width: scale of the scores; its sign does not matter.
    """
    curve: Floats = (upper - lower) * expit((x - centre) / abs(width)) + lower
    return curve


def fit_logistic(
    predicted: Floats, given: Floats, plateaus: tuple[float, float] | None = None
) -> Curve | None:
    """Fits the logistic that maps predicted to given scores, by least squares.

    The fit starts twice, and the better end is taken: from the usual rising curve in the middle of the
    predictions, and from the best curve of a grid, since one start may end in a local optimum.

    Args:
        predicted: scores of a model, shape (n,).
        given: scores of people, shape (n,).
        plateaus: the lowest value of `lower` and the highest value of `upper`, with all of `given` between
            them; without limits by default.

    Returns:
        upper, lower, centre, width; None where the fit does not converge, and where no curve is determined:
        for fewer than five images, and for constant predictions.
    """
    middle, spread = float(predicted.mean()), float(np.std(predicted))
    if len(predicted) < 5 or spread == 0.0:
        return None
    x, limits = (predicted - middle) / spread, plateaus or (-np.inf, np.inf)
    usual = (float(given.max()), float(given.min()), 0.0, 1.0)
    ends = [_descend(x, given, start, limits) for start in (usual, _best_of_grid(x, given, limits))]
    found = min((end for end in ends if end), key=lambda end: _error(x, given, end), default=None)
    if found is None:
        return None
    upper, lower, centre, width = found[0], found[1], middle + spread * found[2], spread * found[3]
    curve = logistic(predicted, upper, lower, centre, width)
    if not np.isfinite([*found, *curve]).all() or np.ptp(curve) <= _FLAT * np.ptp(given):
        return None
    return upper, lower, centre, width


def _best_of_grid(x: Floats, given: Floats, limits: tuple[float, float]) -> Curve:
    """The best curve among some centres and widths; its plateaus are a linear regression."""
    found = []
    for centre in np.quantile(x, _CENTRES):
        for width in _WIDTHS:
            share = expit((x - centre) / width)
            varied = share - share.mean()
            squares = float(varied @ varied)
            rise = float(varied @ given) / squares if squares > 0 else 0.0
            lower = float(given.mean() - rise * share.mean())
            upper, lower = (float(np.clip(plateau, *limits)) for plateau in (lower + rise, lower))
            found.append((upper, lower, float(centre), float(width)))
    return min(found, key=lambda curve: _error(x, given, curve))


def _descend(x: Floats, given: Floats, start: Curve, limits: tuple[float, float]) -> Curve | None:
    """The optimum that a start leads to; None if the fit does not converge."""
    low, high = limits
    bounds = ([low, low, -np.inf, -np.inf], [high, high, np.inf, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an uncertain covariance is no concern here
        try:
            end, _ = curve_fit(logistic, x, given, p0=start, bounds=bounds, maxfev=10_000)
        except (RuntimeError, ValueError):
            return None
        curve = logistic(x, *end)
    if not np.isfinite([*end, *curve]).all():
        return None
    upper, lower, centre, width = (float(value) for value in end)
    return upper, lower, centre, width


def _error(x: Floats, given: Floats, curve: Curve) -> float:
    with np.errstate(all="ignore"):
        return float(np.sum((logistic(x, *curve) - given) ** 2))
