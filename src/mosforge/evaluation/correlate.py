"""The rule `correlate`: how well the models of an experiment agree with the given scores."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import FEWEST_TESTED, NO_NETWORK, RUN
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.statistics.intervals import correlations_with_ends

log = logging.getLogger(__name__)


def correlate(predictions: list[Path], *, output: Path) -> None:
    """Correlates the predictions of each model of an experiment with the given scores.

    A baseline with fewer than two comparable test images is left out.

    Args:
        predictions: a table for each model (artefact `predictions`); without any, the result has no row.
        output: a row for each model, Parquet (artefact `correlations`).

    Raises:
        MosforgeError: a network has fewer than two test images, or a score is not finite.
    """
    rows = []
    for path in predictions:
        table = read_table(path, PREDICTIONS)
        if len(table) < FEWEST_TESTED and set(table["backbone"]) <= {NO_NETWORK}:
            log.warning("%s: left out, with %d images that could be compared", path, len(table))
            continue
        try:
            rows.append(row_of(table))
        except MosforgeError as error:
            raise MosforgeError(f"{path}: {error}") from None
    frame = pd.DataFrame(rows, columns=CORRELATIONS.columns)
    write_table(output, CORRELATIONS, frame, stage="evaluation", cfg={})
    log.info("%s: %d models evaluated", output.stem, len(frame))


def row_of(predictions: Frame) -> dict[str, Any]:
    """The row of one model: its run, its correlations and their intervals, of all and of clean test images.

    Models that were tested on the same images of the same split share their resamples.

    Args:
        predictions: rows of the artefact `predictions`, in any order.

    Raises:
        MosforgeError: there are fewer than two rows, or a score is not finite.
    """
    if predictions.empty:
        raise MosforgeError("a correlation needs at least two test images, and there are none")
    run = {key: predictions[key].iloc[0] for key in RUN}
    values = _agreement(predictions) | {
        "contents": len(set(predictions["content"])),
        "other_contents": predictions["other_contents"].iloc[0],
    }
    is_clean = predictions["clean"]
    if is_clean.isna().any():
        return run | values
    clean = predictions[is_clean.astype(bool)]
    found: dict[str, Any] = {"images": len(clean)}
    if FEWEST_TESTED <= len(clean) < len(predictions):
        found |= _agreement(clean)
        del found["mapping"]
    return run | values | {f"clean_{name}": value for name, value in found.items()}


def _agreement(predictions: Frame) -> dict[str, Any]:
    """The correlations of some predictions of one model, and the ends of their intervals."""
    # always in one order, since a resample draws positions
    rows = predictions.sort_values("image")
    predicted, given = rows["prediction"].to_numpy(), rows["quality"].to_numpy()
    key = (rows["test_dataset"].iloc[0], rows["split"].iloc[0])
    return correlations_with_ends(predicted, given, rows["content"].tolist(), *key)
