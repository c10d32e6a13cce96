"""Target datasets: the official layouts and a user's table, read into one normalised frame."""

import os
from collections.abc import Callable, Mapping

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets import csiq, kadid10k, koniq10k, live, livec, table, tid2013
from mosforge.finetuning.datasets.common import TOLERANCE, normalise
from mosforge.finetuning.registry import Folder, Layout, Options, layout_of, missing

__all__ = ["TOLERANCE", "describe", "load"]

_READERS: Mapping[str, Callable[[Folder, Options], pd.DataFrame]] = {
    "live": live.read,
    "csiq": csiq.read,
    "tid2013": tid2013.read,
    "livec": livec.read,
    "koniq10k": koniq10k.read,
    "kadid10k": kadid10k.read,
    "table": table.read,
}


def load(
    name: str, layout: str, folder: str | os.PathLike[str], options: Options | None = None
) -> pd.DataFrame:
    """Reads a target dataset and checks its counts, scores and files.

    Args:
        name: the dataset's name in the configuration.
        layout: a name of `registry.LAYOUTS`, or `table`.
        folder: where it lies.
        options: for `table`: `table`, `images`, `range`, `higher_is_better`; other keys are passed over.

    Returns:
        The frame of the artefact `dataset`, sorted by image.

    Raises:
        MosforgeError: one sentence that names what is missing or wrong.
    """
    facts = layout_of(layout, options)
    lacking = missing(layout, folder, options)
    if lacking is not None:
        raise MosforgeError(f"dataset {name}: {lacking}")
    place = Folder(folder)
    return normalise(name, facts, place, _READERS[layout](place, options or {}))


def describe(name: str, frame: pd.DataFrame, layout: Layout) -> dict[str, object]:
    """What was found in a loaded dataset, as one row for `mosforge finetuning check`."""
    parts = frame["part"].dropna().value_counts()
    split = ", ".join(f"{part} {parts[part]}" for part in ("train", "validation", "test") if part in parts)
    return {
        "dataset": name,
        "images": len(frame),
        "contents": int(frame["reference"].nunique()),
        "unit": layout.unit,
        "direction": "higher is better" if layout.higher_is_better else "lower is better",
        "lowest": float(frame["mos"].min()),
        "highest": float(frame["mos"].max()),
        "official_split": split or "none",
        "licence": layout.licence,
    }
