"""The stage: the six scores of every picture of a shard, read, decoded and scored on several threads.

A task is a reference with a batch of its distorted pictures. The thread that takes it decodes the
pictures and scores them, so decoding and scoring overlap, and few pictures are in memory at a time.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from mosforge.errors import MosforgeError
from mosforge.images import read_rgb
from mosforge.metrics.engines import batched, check_distorted, check_reference, check_scores, make_engine
from mosforge.metrics.protocol import Engine, Scores
from mosforge.metrics.workers import map_in_order
from mosforge.tables import METRICS, SCHEMAS, Frame, read_table, write_table

logger = logging.getLogger(__name__)


class Task(NamedTuple):
    """Distorted pictures of one reference."""

    reference: str
    prepared: "Future[tuple[Any, tuple[int, ...]]]"
    """What the engine needs of the reference, and its shape; set by the reference's first task."""
    first: bool
    rows: tuple[int, ...]
    """Positions in the manifest."""
    paths: tuple[str, ...]


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
    if not isinstance(cfg, Mapping) or set(cfg) != {"engine"}:
        raise MosforgeError(f'--cfg {cfg!r}: expected the key "engine" and no other')
    if threads < 1:
        raise MosforgeError(f"--threads {threads}: must be at least 1")
    manifest = read_table(folder / "manifest.parquet", "manifest")
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
    scores = score_manifest(manifest, engine, threads)
    columns = {name: manifest[name] for name in SCHEMAS["metrics"].names if name not in METRICS}
    columns |= {name: scores[:, i] for i, name in enumerate(METRICS)}
    write_table(output, "metrics", columns, stage="metrics", cfg=cfg)
    seconds = time.monotonic() - started
    logger.info("%s: %.1f s, %.1f pictures a second", output, seconds, len(manifest) / max(seconds, 1e-9))


def score_manifest(manifest: Frame, engine: Engine, threads: int) -> Scores:
    """The six scores of every row of a manifest, in its order, shape (n, 6)."""

    def run(task: Task) -> tuple[tuple[int, ...], Scores]:
        return task.rows, _score_task(task, engine)

    scores = np.full((len(manifest), len(METRICS)), np.nan)
    with tqdm(total=len(manifest), unit="picture", disable=None) as progress:
        for rows, block in map_in_order(run, _tasks(manifest, engine), threads):
            scores[list(rows)] = block
            progress.update(len(rows))
    return scores


def _tasks(manifest: Frame, engine: Engine) -> Iterator[Task]:
    """The work, reference by reference in the order of their first rows."""
    shapes = list(zip(manifest["height"], manifest["width"], strict=True))
    paths = manifest["path"].tolist()
    positions: dict[str, list[int]] = {}
    for row, reference in enumerate(manifest["reference"]):
        positions.setdefault(reference, []).append(row)
    for reference, rows in positions.items():
        prepared: Future[tuple[Any, tuple[int, ...]]] = Future()
        for number, batch in enumerate(batched(rows, engine.batch((*shapes[rows[0]], 3)))):
            yield Task(reference, prepared, number == 0, batch, tuple(paths[row] for row in batch))


def _score_task(task: Task, engine: Engine) -> Scores:
    if task.first:
        _prepare(task, engine)
    prepared, shape = task.prepared.result()
    pictures = [read_rgb(path) for path in task.paths]
    for picture, path in zip(pictures, task.paths, strict=True):
        check_distorted(picture, path, shape, task.reference)
    scores = engine.score(prepared, pictures)
    check_scores(scores, task.paths, task.reference)
    return scores


def _prepare(task: Task, engine: Engine) -> None:
    try:
        picture = read_rgb(task.reference)
        check_reference(picture, task.reference)
        task.prepared.set_result((engine.prepare(picture), picture.shape))
    except BaseException as error:
        task.prepared.set_exception(error)  # the tasks that wait for it must not wait for ever
