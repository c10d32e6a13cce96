"""An interval for a correlation that was measured once."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from mosforge.seeds import generator

RESAMPLES = 1000


def bootstrap_interval(
    given: npt.NDArray[np.float64], predicted: npt.NDArray[np.float64], *key: str
) -> tuple[float, float]:
    """The 95% percentile interval of SROCC over resampled test images (Efron, 1979).

    Args:
        given: scores, shape (images,).
        predicted: predictions, shape (images,).
        key: what was measured; it seeds the resampling, so that the interval is the same in every run.

    Returns:
        Lower and upper end; resamples in which all scores are equal are passed over.
    """
    draws = generator("report-bootstrap", *key).integers(0, len(given), (RESAMPLES, len(given)))
    ranks = [stats.rankdata(values[draws], axis=1) for values in (given, predicted)]
    centred = [rank - rank.mean(axis=1, keepdims=True) for rank in ranks]
    with np.errstate(invalid="ignore"):
        found = (centred[0] * centred[1]).sum(axis=1) / np.sqrt(
            (centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1)
        )
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)
