"""The rule `split_across`: a dataset as the test part of models that are fine-tuned on another one."""

import logging
from pathlib import Path

from mosforge.content.matching import find_same_content, undistorted_images, undistorted_names
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.finetuning.settings import SplitAcrossSettings
from mosforge.finetuning.split import with_contents

log = logging.getLogger(__name__)


def split_across(
    dataset: Path,
    trained_on: Path,
    contents: Path,
    *,
    output: Path,
    cfg: SplitAcrossSettings,
    threads: int = 1,
) -> None:
    """Finds the test images whose content is also in the dataset that is trained on.

    Args:
        dataset: the table of the dataset that is tested on (artefact `dataset`).
        trained_on: the table of the dataset whose every image is trained on (artefact `dataset`).
        contents: which images of the first show the same (artefact `contents`).
        output: its images, all in the part `test`, and which of them are clean, Parquet (artefact `split`).
        cfg: the lowest correlation at which two images show the same content.
        threads: files that are read at once.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    rows = with_contents(read_table(dataset, DATASET), contents)
    seen = undistorted_images(read_table(trained_on, DATASET))
    found = find_same_content(undistorted_images(rows), seen, cfg.correlation, threads)
    frame = mark_seen(rows, set(found["image_id"]))
    write_table(output, SPLIT, frame, stage="finetuning", cfg=cfg.plain())
    shared = frame.loc[~frame["clean"], "content"].unique()
    log.info(
        "%d of %d test images show one of %d contents that are trained on: %s",
        *((~frame["clean"]).sum(), len(frame), len(shared), ", ".join(shared) or "none"),
    )


def mark_seen(dataset: Frame, seen: set[str]) -> Frame:
    """The rows of the artefact `split`, all in the part `test`, sorted by image.

    Args:
        dataset: rows of the artefact `dataset`, with their `content`.
        seen: names of its undistorted images, as `undistorted_names` gives them, whose content is trained
            on; every image with one of these contents is not clean.
    """
    contents = set(dataset.loc[undistorted_names(dataset).isin(seen), "content"])
    frame = dataset[["image", "reference", "content"]].assign(
        part="test", clean=~dataset["content"].isin(contents)
    )
    return frame.sort_values("image", ignore_index=True)
