"""Which images a model is tested on, and what it predicts for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import RUN
from mosforge.core.schemas import Artefact
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.evaluation.settings import CompareSettings

Floats = npt.NDArray[np.float64]

_TESTED = ["image", "path", "content", "clean", "other_contents", "mos", "quality"]
"""The columns of a test image that stand beside its prediction."""


def tested_images(run: CompareSettings, dataset: Path, split: Path | None) -> Frame:
    """The rows of a dataset that a model is tested on, with what the split says of them.

    That is their `content`, whether they are `clean`, and the number of contents that are not tested on.

    Args:
        run: the model and the dataset, for messages.
        dataset: the table of the test dataset (artefact `dataset`).
        split: the split of that dataset whose part `test` is scored; without it, all images are scored, their
            contents are those that the dataset names, and nothing says which of them are clean.

    Raises:
        MosforgeError: there is none.
    """
    rows = read_table(dataset, DATASET).assign(other_contents=None)
    if split is None:
        rows = rows.assign(content=rows["reference"], clean=None)
    else:
        parts = read_table(split, SPLIT)
        if run.dataset == run.test_dataset:
            rows["other_contents"] = len(set(parts.loc[parts["part"] != "test", "content"]))
        parts = parts.loc[parts["part"] == "test", ["image", "content", "clean"]]
        rows = rows.merge(parts, on="image", validate="one_to_one")
    if rows.empty:
        raise MosforgeError(f"{run.test_dataset}: split {run.split} has no test image")
    return rows


def rows_of_images(rows: Frame, file: Path, artefact: Artefact) -> Frame:
    """The rows of a table of features for images, in their order.

    Raises:
        MosforgeError: an image is not in it.
    """
    table = read_table(file, artefact).set_index("image")
    lost = rows.loc[~rows["image"].isin(table.index), "image"]
    if len(lost):
        raise MosforgeError(f"{file}: {lost.iloc[0]} is not in it; delete the file and run again")
    found: Frame = table.loc[rows["image"]]
    return found


def write_predictions(
    output: Path,
    rows: Frame,
    predictions: Sequence[float] | Floats,
    spreads: Sequence[float] | Floats | float,
    run: CompareSettings,
    device: str | None = None,
) -> None:
    """Writes the artefact `predictions` of a run.

    Args:
        output: the file.
        rows: the test images, see `tested_images`.
        predictions: a value for each image.
        spreads: the deviation over the crops of each image; 0 where there are none.
        run: the model and the dataset.
        device: what the network ran on.
    """
    keys = {key: getattr(run, key) for key in RUN}
    found = rows[_TESTED].assign(**keys, prediction=predictions, spread=spreads)
    write_table(output, PREDICTIONS, found, stage="evaluation", cfg=run.plain(), device=device)
