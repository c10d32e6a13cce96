"""The six full-reference metrics: their names, the table of their scores, and which way they point."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.distortions import KEYS

METRICS = ("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd")
"""The six full-reference metrics, in the order of their columns."""

DISTANCES = ("mdsi", "gmsd")
"""Metrics that are 0 for identical images and grow with the difference."""

SCORES = tuple(
    column(name, pa.float64(), f"{name} against the reference image, as the metric defines it")
    for name in METRICS
)

METRIC_SCORES = Artefact("metrics", *KEYS, *SCORES)


def orient(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Replaces the two distances by 1 - MDSI and 1 - GMSD, so that higher is better in all six columns.

    Args:
        scores: raw scores in the order of `METRICS`, shape (n, 6).
    """
    is_distance = np.array([name in DISTANCES for name in METRICS])
    return np.where(is_distance, 1.0 - scores, scores)
