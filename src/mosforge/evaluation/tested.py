"""Which pictures a model is tested on."""

from collections.abc import Mapping
from pathlib import Path

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table


def tested_rows(run: Mapping[str, str], dataset: Path, split: Path | None) -> Frame:
    """The rows of the normalised table `dataset` that are tested on.

    Args:
        run: values of the keys `RUN`.
        dataset: the test dataset.
        split: within a dataset, the split whose part `test` is meant; across, none: all rows are.

    Raises:
        MosforgeError: there is none.
    """
    rows = read_table(dataset, DATASET)
    if split is not None:
        parts = read_table(split, SPLIT)
        rows = rows[rows["image"].isin(set(parts.loc[parts["part"] == "test", "image"]))]
    if rows.empty:
        raise MosforgeError(f"{run['test_dataset']}: split {run['split']} has no test picture")
    return rows
