"""The stage's two kinds of jobs: a shard of a corpus, and a target dataset whose references are there."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, open_image
from mosforge.core.manifests import read_manifest
from mosforge.core.measures import METRICS
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.metrics import METRIC_SCORES
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.metrics.engines import make_engine
from mosforge.metrics.pairs import score_pairs
from mosforge.metrics.psnr import PSNR, WithPsnr

logger = logging.getLogger(__name__)


def score_shard(folder: Path, output: Path, cfg: Any, threads: int, device: str = "auto") -> None:
    """Scores the pictures that `folder`/manifest.parquet lists, and writes the artefact `metrics`.

    Args:
        folder: a shard of the stage `distortions`.
        output: the Parquet file to write; its rows are in the manifest's order.
        cfg: `{"engine": ...}`.
        threads: pictures that are decoded and scored at the same time.
        device: where the engine `piq` computes.

    Raises:
        MosforgeError: bad parameters, an unreadable picture, shapes that differ, or a score
            that is not finite.
    """
    _check(cfg, {"engine"}, threads)
    manifest = read_manifest(folder)
    engine = make_engine(cfg["engine"], device)
    logger.info(
        "%s: %d pictures of %d references, engine %s, %d threads",
        folder,
        len(manifest),
        manifest["reference"].nunique(),
        cfg["engine"],
        threads,
    )
    started = time.monotonic()
    scores = score_pairs(manifest["reference"].tolist(), manifest["path"].tolist(), engine, threads)
    columns: dict[str, Any] = {name: manifest[name] for name in METRIC_SCORES.columns if name not in METRICS}
    columns |= {name: scores[:, i] for i, name in enumerate(METRICS)}
    write_table(output, METRIC_SCORES, columns, stage="metrics", cfg=cfg)
    seconds = time.monotonic() - started
    logger.info("%s: %.1f s, %.1f pictures a second", output, seconds, len(manifest) / max(seconds, 1e-9))


def score_dataset(dataset: Path, output: Path, cfg: Any, threads: int, device: str = "auto") -> None:
    """Scores a target dataset's pictures against their references, and writes the artefact `targets`.

    Pictures without a reference picture are left out, and with a warning those whose reference is smaller
    than the metrics need: the table may then have no row.

    Args:
        dataset: the dataset's normalised table.
        output: the Parquet file to write; its rows are in the table's order.
        cfg: `{"dataset": NAME, "engine": ...}`.
        threads: pictures that are decoded and scored at the same time.
        device: where the engine `piq` computes.

    Raises:
        MosforgeError: as `score_shard`; or no picture has a reference picture.
    """
    _check(cfg, {"dataset", "engine"}, threads)
    rows = read_table(dataset, DATASET)
    rows = rows[rows["reference_path"].notna()]
    if rows.empty:
        raise MosforgeError(f"{dataset}: no picture of {cfg['dataset']} has a reference picture")
    rows = _without_small_references(rows, dataset)
    engine = WithPsnr(make_engine(cfg["engine"], device))
    names = (*METRICS, PSNR)
    references, paths = rows["reference_path"].tolist(), rows["path"].tolist()
    scores = score_pairs(references, paths, engine, threads, names)
    columns: dict[str, Any] = {name: rows[name] for name in TARGET_SCORES.columns if name in rows}
    columns |= {"dataset": [cfg["dataset"]] * len(rows)}
    columns |= {name: scores[:, i] for i, name in enumerate(names)}
    write_table(output, TARGET_SCORES, columns, stage="metrics", cfg=cfg)
    logger.info("%s: %d pictures of %d references", output, len(rows), len(set(references)))


def _without_small_references(rows: Frame, dataset: Path) -> Frame:
    small = []
    for reference in rows["reference_path"].unique():
        with open_image(reference) as image:
            if min(image.size) < SMALLEST_SIDE:
                small.append(reference)
    lost = rows["reference_path"].isin(small)
    if small:
        logger.warning(
            "%s: %d of %d pictures are left out, since a side of their reference picture, such as %s, is "
            "under the %d pixels that the metrics need",
            *(dataset, lost.sum(), len(rows), small[0], SMALLEST_SIDE),
        )
    return rows[~lost]


def _check(cfg: Any, keys: set[str], threads: int) -> None:
    if not isinstance(cfg, Mapping) or set(cfg) != keys:
        named = " and ".join(f'"{key}"' for key in sorted(keys))
        raise MosforgeError(f"--cfg {cfg!r}: expected the key{'s' * (len(keys) > 1)} {named} and no other")
    if threads < 1:
        raise MosforgeError(f"--threads {threads}: must be at least 1")
