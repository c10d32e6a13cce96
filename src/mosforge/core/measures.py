"""Which way each of the six metrics points, and the one way to make them all point upwards."""

import numpy as np
import numpy.typing as npt

from mosforge.core.tables import METRICS

DISTANCES = ("mdsi", "gmsd")
"""Metrics that are 0 for identical pictures and grow with the difference."""


def orient(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turns the two distances round (1 - MDSI, 1 - GMSD), so that higher is better in all six columns.

    Args:
        scores: raw scores in the order of `METRICS`, shape (n, 6).
    """
    is_distance = np.array([name in DISTANCES for name in METRICS])
    return np.where(is_distance, 1.0 - scores, scores)
