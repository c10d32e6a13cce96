"""The correlations of one evaluated model, each with its interval."""

from typing import Any

from mosforge.core.runs import RUN
from mosforge.core.tables import Frame
from mosforge.statistics.correlations import correlations
from mosforge.statistics.intervals import intervals


def correlate(predictions: Frame) -> dict[str, Any]:
    """One row of the artefact `correlations` from one table of predictions.

    Models that were tested on the same pictures of the same split share their resamples.
    """
    run = {key: predictions[key].iloc[0] for key in RUN} if len(predictions) else {}
    # in one order whatever the table's, since a resample draws positions
    rows = predictions.sort_values("image")
    predicted, given = rows["prediction"].to_numpy(), rows["quality"].to_numpy()
    values = correlations(predicted, given)
    key = (run["test_dataset"], run["split"])
    ends = {
        f"{measure}_{end}": value
        for measure, pair in intervals(predicted, given, *key).items()
        for end, value in zip(("low", "high"), pair, strict=True)
    }
    return run | values | ends
