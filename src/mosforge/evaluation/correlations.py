"""The correlations of one evaluated model."""

from typing import Any

from mosforge.correlations import correlations
from mosforge.tables import Frame


def correlate(predictions: Frame) -> dict[str, Any]:
    """One row of the artefact `correlations` from one table of predictions."""
    values = correlations(predictions["prediction"].to_numpy(), predictions["quality"].to_numpy())
    run = ("dataset", "split", "backbone", "initialisation", "test_dataset")
    return {key: predictions[key].iloc[0] for key in run} | values
