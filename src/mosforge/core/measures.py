"""The six full-reference metrics, and the one way to make all of them grow with quality."""

import numpy as np
import numpy.typing as npt

METRICS = ("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd")
"""The six full-reference metrics, in the order of their columns."""

DISTANCES = ("mdsi", "gmsd")
"""Metrics that are 0 for identical images and grow with the difference."""


def orient(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Replaces the two distances by 1 - MDSI and 1 - GMSD, so that higher is better in all six columns.

    Args:
        scores: raw scores in the order of `METRICS`, shape (n, 6).
    """
    is_distance = np.array([name in DISTANCES for name in METRICS])
    return np.where(is_distance, 1.0 - scores, scores)
