"""The rule `split`: a target dataset is divided by content, in the same way on every machine."""

import logging
import math
from pathlib import Path

import pandas as pd

from mosforge.core import seeds
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.finetuning.settings import SplitSettings

log = logging.getLogger(__name__)


def split(dataset: Path, name: str, *, output: Path, cfg: SplitSettings) -> None:
    """Divides a target dataset into parts that share no content.

    Args:
        dataset: the table of the dataset (artefact `dataset`).
        name: the seed of a random split, `official` for the dataset's own, or `full` to train on everything.
        output: the part of each image, Parquet (artefact `split`). Its stamp has the digest of the parts.
        cfg: the shares of the parts.

    Raises:
        MosforgeError: see `divide`.
    """
    # `train` is given only for random splits; the others do not use the 1.0
    frame = divide(read_table(dataset, DATASET), name, cfg.train or 1.0, cfg.validation)
    parts_digest = split_digest(frame)
    write_table(output, SPLIT, frame, stage="finetuning", cfg={**cfg.plain(), "digest": parts_digest})
    parts = ", ".join(f"{part} {count}" for part, count in frame["part"].value_counts().sort_index().items())
    log.info("split %s: %s images, digest %s", name, parts, parts_digest)


def divide(dataset: Frame, name: str, train: float, validation: float) -> Frame:
    """Divides a dataset into `train`, `validation` and `test`; a content is never in two of them.

    Args:
        dataset: rows of the artefact `dataset`, in any order.
        name: a number, which is the seed of a random split by content; `official` for the dataset's own
            split; `full` to train on everything, for tests on other datasets.
        train: share of the contents that is trained on, in random splits.
        validation: share of the training contents that becomes the validation part; 0 for none. An
            official split that has a validation part keeps its own.

    Returns:
        The rows of the artefact `split`, sorted by image.

    Raises:
        MosforgeError: no such split, too few contents, no official split, or an official one that
            has a content in two parts.
    """
    contents = sorted(set(dataset["reference"]))
    if name == "official":
        parts = _official(dataset)
    elif name == "full":
        parts = dict.fromkeys(contents, "train")
    elif name.isascii() and name.isdigit():
        parts = _random(contents, name, train)
    else:
        raise MosforgeError(f"split {name}: there is no such split; use a number, official or full")
    if validation > 0 and "validation" not in parts.values():
        parts |= _validation(parts, name, validation)
    frame = dataset[["image", "reference"]].sort_values("image", ignore_index=True)
    frame["part"] = frame["reference"].map(parts)
    return frame


def split_digest(split: Frame) -> str:
    """A digest of which image is in which part, independent of the order of the rows."""
    return digest(sorted(zip(split["image"], split["part"], strict=True)))


def _random(contents: list[str], name: str, train: float) -> dict[str, str]:
    if len(contents) < 2:
        raise MosforgeError(f"split {name}: {len(contents)} content cannot be divided into training and test")
    shuffled = _shuffled(contents, "split", name)
    count = _share(len(contents), train)
    return {content: "train" if place < count else "test" for place, content in enumerate(shuffled)}


def _validation(parts: dict[str, str], name: str, share: float) -> dict[str, str]:
    """The contents that leave the training part; the test part does not depend on `share`."""
    training = sorted(content for content, part in parts.items() if part == "train")
    if len(training) < 2:
        raise MosforgeError(f"split {name}: {len(training)} training content leaves none for validation")
    shuffled = _shuffled(training, "validation", name)
    return dict.fromkeys(shuffled[: _share(len(training), share)], "validation")


def _official(dataset: Frame) -> dict[str, str]:
    parts: dict[str, str] = {}
    for image, reference, part in zip(dataset["image"], dataset["reference"], dataset["part"], strict=True):
        if pd.isna(part):
            raise MosforgeError(f"split official: the dataset has no official split ({image} is in no part)")
        if parts.setdefault(reference, part) != part:
            raise MosforgeError(
                f"split official: the content {reference} is in {parts[reference]} and in {part}; "
                "a content must be in one part"
            )
    for needed in ("train", "test"):
        if needed not in parts.values():
            raise MosforgeError(f"split official: the dataset's split has no part {needed}")
    return parts


def _shuffled(contents: list[str], purpose: str, name: str) -> list[str]:
    order = seeds.generator(purpose, int(name) if name.isdigit() else name).permutation(len(contents))
    return [contents[place] for place in order]


def _share(count: int, share: float) -> int:
    """`share` of `count`, rounded half up, with at least one on each side."""
    return min(max(math.floor(count * share + 0.5), 1), count - 1)
