"""The job `screen`, the leakage guard: finds the images of a source that a target dataset shows, too."""

import logging
from pathlib import Path

from mosforge.content.matching import find_same_content, undistorted_images
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.tables import read_table, write_table
from mosforge.sources.settings import ScreenSettings

log = logging.getLogger(__name__)


def screen(
    catalogue: Path, dataset: Path, *, name: str, output: Path, cfg: ScreenSettings, threads: int = 1
) -> None:
    """Finds the images of a source that show the content of an image of a target dataset.

    Args:
        catalogue: catalogue of the source, Parquet.
        dataset: table of the target dataset, Parquet.
        name: name of the target dataset in the configuration.
        output: a row for each image that was found, Parquet.
        cfg: the lowest correlation at which two images show the same content.
        threads: files that are read at once.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    rows = read_table(catalogue, CATALOGUE)
    images = list(zip(rows["image_id"], rows["path"], strict=True))
    shown = undistorted_images(read_table(dataset, DATASET))
    found = find_same_content(images, shown, cfg.correlation, threads)
    log.info("%d images, %d of the dataset, %d with the same content", len(images), len(shown), len(found))
    leaks = found.assign(source=rows["source"].iloc[0], dataset=name)
    write_table(output, LEAKS, leaks, stage="sources", cfg=cfg.plain())
