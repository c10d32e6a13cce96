"""The rule `contents`: which images of a target dataset show the same scene."""

import logging
from pathlib import Path

import pandas as pd

from mosforge.content.matching import find_pairs_within, join_pairs, undistorted_images, undistorted_names
from mosforge.core.schemas.datasets import CONTENTS, DATASET
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.finetuning.settings import ContentsSettings

log = logging.getLogger(__name__)


def contents(dataset: Path, *, output: Path, cfg: ContentsSettings, threads: int = 1) -> None:
    """Groups the images of a target dataset by content.

    Args:
        dataset: the table of the dataset (artefact `dataset`).
        output: the content of each image, Parquet (artefact `contents`).
        cfg: the lowest correlation at which two images show the same content.
        threads: files that are read at once.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    rows = read_table(dataset, DATASET)
    pairs = find_pairs_within(undistorted_images(rows), cfg.correlation, threads)
    found = group_contents(rows, pairs)
    write_table(output, CONTENTS, found, stage="finetuning", cfg=cfg.plain())
    counts = rows["reference"].nunique(), found["content"].nunique()
    log.info("%d images: the dataset names %d contents, and %d differ", len(rows), *counts)


def group_contents(dataset: Frame, pairs: Frame) -> Frame:
    """The content of each image: those of a pair are one, and so are those that pairs join.

    Args:
        dataset: rows of the artefact `dataset`.
        pairs: of its undistorted images, as `find_pairs_within` finds them.

    Returns:
        The rows of the artefact `contents`, sorted by image. A content has the first of the names that the
        dataset gives it.
    """
    rows = dataset[["image", "reference", "reference_path"]].sort_values("image", ignore_index=True)
    shown = undistorted_names(rows)
    reference_of = dict(zip(shown, rows["reference"], strict=True))
    names = sorted(set(rows["reference"]))
    place = {name: i for i, name in enumerate(names)}
    ends = ([place[reference_of[name]] for name in pairs[end]] for end in ("image", "other"))
    label = join_pairs(len(names), list(zip(*ends, strict=True)))
    first_of: dict[int, str] = {}
    for name, group in zip(names, label, strict=True):
        first_of.setdefault(group, name)
    content_of = {name: first_of[group] for name, group in zip(names, label, strict=True)}
    twins = _twins(pairs)
    return pd.DataFrame(
        {
            "image": rows["image"],
            "reference": rows["reference"],
            "content": rows["reference"].map(content_of),
            "twin": shown.map(twins["twin"]).astype(object),
            "correlation": shown.map(twins["correlation"]).astype(float),
        }
    )


def _twins(pairs: Frame) -> Frame:
    """For each image of a pair, that which agrees with it best."""
    turned = pairs.rename(columns={"image": "other", "other": "image"})
    both = pd.concat([pairs, turned])[["image", "other", "correlation"]]
    both = both.sort_values(["correlation", "other"], ascending=[False, True], kind="stable")
    return both.drop_duplicates("image").set_index("image").rename(columns={"other": "twin"})
