"""Which images a model is tested on."""

from pathlib import Path

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table
from mosforge.evaluation.settings import CompareSettings

TESTED = ["image", "path", "content", "clean", "other_contents", "mos", "quality"]
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
