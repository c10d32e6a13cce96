"""Which images a model is tested on."""

from pathlib import Path

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table
from mosforge.evaluation.settings import CompareSettings


def tested_images(run: CompareSettings, dataset: Path, split: Path | None) -> Frame:
    """The rows of a dataset that a model is tested on.

    Args:
        run: the model and the dataset, for messages.
        dataset: the table of the test dataset (artefact `dataset`).
        split: within a dataset, the split whose part `test` is scored; without it, all images are scored.

    Raises:
        MosforgeError: there is none.
    """
    rows = read_table(dataset, DATASET)
    if split is not None:
        parts = read_table(split, SPLIT)
        rows = rows[rows["image"].isin(set(parts.loc[parts["part"] == "test", "image"]))]
    if rows.empty:
        raise MosforgeError(f"{run.test_dataset}: split {run.split} has no test image")
    return rows
