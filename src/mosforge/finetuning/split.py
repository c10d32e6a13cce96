"""The rule `split`: a target dataset is divided by content, in the same way on every machine."""

import logging
import math
from pathlib import Path

import pandas as pd

from mosforge.core import seeds
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.core.runs import FEWEST_TESTED, whole_split
from mosforge.core.schemas.datasets import CONTENTS, DATASET, SPLIT
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.finetuning.settings import SplitSettings

log = logging.getLogger(__name__)


def split(
    dataset: Path, name: str, contents: Path | None = None, *, output: Path, cfg: SplitSettings
) -> None:
    """Divides a target dataset into parts; no content is in two of them, except in an official split.

    Args:
        dataset: the table of the dataset (artefact `dataset`).
        name: the seed of a random split, `official` for the dataset's own, or `full` to train on everything;
            of a rating budget with its number, as in `1-25`.
        contents: which of its images show the same (artefact `contents`); without it, contents are those that
            the dataset names.
        output: the part of each image, Parquet (artefact `split`). Its stamp has the digest of the parts.
        cfg: the shares of the parts.

    Raises:
        MosforgeError: see `divide`; or the test part is too small for a correlation.
    """
    rows = with_contents(read_table(dataset, DATASET), contents)
    # `train` is given only for random splits; the others do not use the 1.0
    whole = whole_split(name)
    frame = divide(rows, whole, cfg.train or 1.0, cfg.validation)
    if cfg.ratings is not None:
        frame = keep_ratings(frame, whole, cfg.ratings)
    if contents is None:
        frame["clean"] = None
    tests = int((frame["part"] == "test").sum())
    if whole != "full" and tests < FEWEST_TESTED:
        raise MosforgeError(
            f"split {name}: {tests} image to test on, and a correlation needs at least {FEWEST_TESTED}; "
            "leave the split out, or give its test part more"
        )
    parts_digest = split_digest(frame)
    write_table(output, SPLIT, frame, stage="finetuning", cfg={**cfg.plain(), "digest": parts_digest})
    parts = ", ".join(f"{part} {count}" for part, count in frame["part"].value_counts().sort_index().items())
    log.info("split %s: %s images, digest %s", name, parts, parts_digest)
    if seen := int((frame["clean"] == False).sum()):  # noqa: E712 (a column with empty cells)
        log.warning(
            "split %s: %d of %d test images show the content of an image that is trained on; tables give the "
            "figures without them, too",
            *(name, seen, tests),
        )


def with_contents(dataset: Frame, contents: Path | None) -> Frame:
    """The rows of a dataset with their `content`.

    Args:
        dataset: rows of the artefact `dataset`.
        contents: its artefact `contents`; without it, contents are those that the dataset names.

    Raises:
        MosforgeError: an image is not in it.
    """
    if contents is None:
        return dataset.assign(content=dataset["reference"])
    found = dataset["image"].map(read_table(contents, CONTENTS).set_index("image")["content"])
    if found.isna().any():
        lost = dataset["image"][found.isna()].iloc[0]
        raise MosforgeError(f"{contents}: {lost} is not in it; delete the file and run again")
    return dataset.assign(content=found)


def divide(dataset: Frame, name: str, train: float, validation: float) -> Frame:
    """Divides a dataset into `train`, `validation` and `test`.

    A content is in one part, except in an official split, whose authors may have overlooked that images of
    two names show the same: then its test images of such contents are not `clean`.

    Args:
        dataset: rows of the artefact `dataset`, with their `content`, in any order.
        name: a number, which is the seed of a random split by content; `official` for the dataset's own
            split; `full` to train on everything, for tests on other datasets.
        train: share of the contents that is trained on, in random splits.
        validation: share of the training contents that becomes the validation part; 0 for none. An
            official split that has a validation part keeps its own.

    Returns:
        The rows of the artefact `split`, sorted by image.

    Raises:
        MosforgeError: no such split, too few contents, no official split, or an official one that
            has a reference in two parts.
    """
    frame = dataset[["image", "reference", "content"]].assign(part="train")
    if name == "official":
        frame["part"] = _official(dataset)
    elif name.isascii() and name.isdigit():
        frame["part"] = frame["content"].map(_random(sorted(set(frame["content"])), name, train))
    elif name != "full":
        raise MosforgeError(f"split {name}: there is no such split; use a number, official or full")
    if validation > 0 and "validation" not in set(frame["part"]):
        training = frame["part"] == "train"
        chosen = _validation(sorted(set(frame.loc[training, "content"])), name, validation)
        frame.loc[training & frame["content"].isin(chosen), "part"] = "validation"
    is_test = frame["part"] == "test"
    frame["clean"] = ~(is_test & frame["content"].isin(set(frame.loc[~is_test, "content"])))
    return frame.sort_values("image", ignore_index=True)


def keep_ratings(split: Frame, name: str, ratings: int) -> Frame:
    """Leaves so many rated images in the training and validation part; the others are `unrated`.

    They are drawn at random, and a larger number keeps all images of a smaller one. The part `test` stays as
    it is, and which of its images are clean.

    Args:
        split: rows of the artefact `split`, sorted by image.
        name: of the split, which seeds the draw.
        ratings: the number of rated images.

    Raises:
        MosforgeError: there are not so many.
    """
    rated = split.index[split["part"].isin(["train", "validation"])]
    if len(rated) < ratings:
        raise MosforgeError(
            f"split {name}: {len(rated)} images to train on are fewer than {ratings} ratings; take {ratings} "
            "out of the key ratings of the experiment"
        )
    order = seeds.generator("ratings", _seed_part(name)).permutation(len(rated))
    found = split.copy()
    found.loc[rated[order[ratings:]], "part"] = "unrated"
    return found


def split_digest(split: Frame) -> str:
    """A digest of which image is in which part, independent of the order of the rows."""
    return digest(sorted(zip(split["image"], split["part"], strict=True)))


def _random(contents: list[str], name: str, train: float) -> dict[str, str]:
    if len(contents) < 2:
        raise MosforgeError(f"split {name}: {len(contents)} content cannot be divided into training and test")
    shuffled = _shuffled(contents, "split", name)
    count = _share(len(contents), train)
    return {content: "train" if place < count else "test" for place, content in enumerate(shuffled)}


def _validation(training: list[str], name: str, share: float) -> list[str]:
    """The contents that leave the training part; the test part does not depend on `share`."""
    if len(training) < 2:
        raise MosforgeError(f"split {name}: {len(training)} training content leaves none for validation")
    return _shuffled(training, "validation", name)[: _share(len(training), share)]


def _official(dataset: Frame) -> "pd.Series[str]":
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
    return dataset["part"]


def _shuffled(contents: list[str], purpose: str, name: str) -> list[str]:
    order = seeds.generator(purpose, _seed_part(name)).permutation(len(contents))
    return [contents[place] for place in order]


def _seed_part(name: str) -> int | str:
    return int(name) if name.isdigit() else name


def _share(count: int, share: float) -> int:
    """`share` of `count`, rounded half up, with at least one on each side."""
    return min(max(math.floor(count * share + 0.5), 1), count - 1)
