"""The rule `score_dataset`: full-reference scores of the images of a target dataset, PSNR among them."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels, size_of
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.metrics.engines import Engine, Scores, luma, make_engine
from mosforge.metrics.pairs import score_pairs
from mosforge.metrics.settings import ScoreDatasetSettings

log = logging.getLogger(__name__)


def score_dataset(
    dataset: Path, *, output: Path, cfg: ScoreDatasetSettings, threads: int = 1, device: str = "auto"
) -> None:
    """Scores the images of a target dataset that have a reference image.

    Images whose reference image is too small for the metrics, or has another size, are left out with a
    warning. The table may then be empty.

    Args:
        dataset: the images of the dataset, Parquet (artefact `dataset`).
        output: the scores, Parquet (artefact `targets`), in the order of the dataset's table.
        cfg: the name of the dataset, the engine and the viewing scale.
        threads: images that are decoded and scored at the same time; they change no score.
        device: where the engine `piq` computes: cpu, cuda, or auto, a GPU where there is one.

    Raises:
        MosforgeError: no image has a reference image, an image is unreadable, or a score is not finite.
    """
    rows = read_table(dataset, DATASET)
    rows = rows[rows["reference_path"].notna()]
    if rows.empty:
        raise MosforgeError(f"{dataset}: no image of {cfg.dataset} has a reference image")
    rows = _comparable(rows, dataset)
    references = rows["reference_path"].tolist()
    engine = _WithPsnr(make_engine(cfg.engine, device, cfg.scale))
    names = (*METRICS, "psnr")
    scores = score_pairs(references, rows["path"].tolist(), engine, threads, names)
    columns = rows.assign(dataset=cfg.dataset, **dict(zip(names, scores.T, strict=True)))
    write_table(output, TARGET_SCORES, columns[TARGET_SCORES.columns], stage="metrics", cfg=cfg.plain())
    log.info("%s: %d images of %d reference images", output, len(rows), len(set(references)))


def _comparable(rows: Frame, dataset: Path) -> Frame:
    """The rows that the metrics can score; the log says how many cannot be, and why."""
    references = rows["reference_path"]
    size_of_reference = {path: size_of(path) for path in references.unique()}
    is_small = references.map(lambda path: min(size_of_reference[path]) < SMALLEST_SIDE)
    if is_small.any():
        log.warning(
            "%s: %d of %d images are left out, since a side of their reference image, such as %s, is under "
            "the %d pixels that the metrics need",
            *(dataset, is_small.sum(), len(rows), references[is_small].iloc[0], SMALLEST_SIDE),
        )
    pairs = zip(rows["path"], references, strict=True)
    differs = np.array([size_of(path) != size_of_reference[reference] for path, reference in pairs], bool)
    if differs.any():
        log.warning(
            "%s: %d of %d images are left out, since their size is not that of their reference image, such "
            "as %s and %s",
            *(dataset, differs.sum(), len(rows), rows["path"][differs].iloc[0], references[differs].iloc[0]),
        )
    return rows[~is_small & ~differs]


class _WithPsnr:
    """An engine whose scores have a seventh column: the PSNR of the luma, in dB.

    Where the lumas are equal OpenCV gives 361 dB, which is finite and above all others.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def batch(self, shape: tuple[int, ...]) -> int:
        return self._engine.batch(shape)

    def prepare(self, reference: Pixels) -> tuple[Any, Pixels]:
        return self._engine.prepare(reference), luma(reference)

    def score(self, prepared: Callable[[], tuple[Any, Pixels]], images: Sequence[Pixels]) -> Scores:
        six = self._engine.score(lambda: prepared()[0], images)
        decibels = [cv2.PSNR(luma(image), prepared()[1]) for image in images]
        return np.column_stack([six, decibels])
