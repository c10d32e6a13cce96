"""Rated pictures of the dataset that a model learned from, to stand beside a score."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table

COUNT = 5


@dataclass(frozen=True)
class Example:
    """A rated picture: uint8 RGB pixels, the given quality on [0, 1], and the score that it stands for."""

    pixels: Pixels
    quality: float
    score: float


def examples_of(dataset: Path, card: dict[str, Any], count: int = COUNT) -> list[Example]:
    """Pictures of known quality, from the worst to the best.

    Args:
        dataset: `results/finetuning/DATASET/dataset.parquet`. Where the model's split lies below the same
            folder, the pictures are of its training part.
        card: of the model.
        count: pictures at most, spread evenly over the range of given qualities.

    Raises:
        MosforgeError: not such a table, or none of the pictures that were chosen can be read.
    """
    table = read_table(dataset, DATASET)
    split = dataset.parent / str(card.get("split", "")) / "split.parquet"
    if split.is_file():
        parts = read_table(split, SPLIT)
        table = table[table["image"].isin(set(parts.loc[parts["part"] == "train", "image"]))]
    found = []
    rows = _spread(table, count)
    for path, quality, score in zip(rows["path"], rows["quality"], rows["mos"], strict=True):
        try:
            pixels = read_rgb(_file_of(path, dataset))
        except MosforgeError:
            continue
        found.append(Example(pixels, float(quality), float(score)))
    if not found:
        raise MosforgeError(f"{dataset}: its pictures are not there; start in the folder that holds results/")
    return found


def _spread(table: Frame, count: int) -> Frame:
    """The rows whose qualities are nearest to even steps between the lowest and the highest."""
    ordered = table.sort_values(["quality", "image"])
    qualities = ordered["quality"].to_numpy()
    if len(qualities) == 0:
        return ordered
    steps = np.linspace(qualities[0], qualities[-1], count)
    nearest = np.abs(qualities[None] - steps[:, None]).argmin(axis=1)
    return ordered.iloc[np.unique(nearest)]


def _file_of(path: str, dataset: Path) -> Path:
    """A path of the table: it starts from the folder that holds `results/`, wherever one stands now."""
    here = Path(path)
    above = dataset.resolve().parents
    return here if here.exists() or len(above) < 4 else above[3] / path
