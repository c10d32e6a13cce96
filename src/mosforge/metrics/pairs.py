"""The scores of pairs of files, read, decoded and scored on several threads.

A task prepares a reference, or is a batch of its distorted pictures, which the thread that takes it
decodes and scores. So decoding and scoring overlap, and few pictures are in memory at a time.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from mosforge.core.images import open_image, read_rgb
from mosforge.core.measures import METRICS
from mosforge.core.parallel import complete, map_in_order
from mosforge.metrics.engines import batched, check_distorted, check_reference, check_scores
from mosforge.metrics.protocol import Engine, Scores


class Task(NamedTuple):
    """A reference to prepare, or distorted pictures of one."""

    reference: str
    prepared: "Future[tuple[Any, tuple[int, ...]]]"
    """What the engine needs of the reference, and its shape; set by the task that prepares it."""
    rows: tuple[int, ...] = ()
    """Positions among all pairs; none where the reference is to be prepared."""
    paths: tuple[str, ...] = ()


def score_pairs(
    references: Sequence[str],
    paths: Sequence[str],
    engine: Engine,
    threads: int,
    columns: Sequence[str] = METRICS,
) -> Scores:
    """The scores of every distorted picture against its reference, in their order.

    Args:
        references: path of each picture's reference.
        paths: path of each distorted picture.
        engine: what scores them.
        threads: pictures that are decoded and scored at the same time.
        columns: names of what the engine gives.

    Raises:
        MosforgeError: an unreadable picture, shapes that differ, or a score that is not finite.
    """

    scores = np.full((len(paths), len(columns)), np.nan)

    def run(task: Task) -> int:
        if task.rows:
            scores[list(task.rows)] = _score_task(task, engine, columns)
        else:
            complete(task.prepared, lambda: _prepare(task, engine))
        return len(task.rows)

    with tqdm(total=len(paths), unit="picture", disable=None) as progress:
        for done in map_in_order(run, _tasks(references, paths, engine), threads):
            progress.update(done)
    return scores


def _tasks(references: Sequence[str], paths: Sequence[str], engine: Engine) -> Iterator[Task]:
    """The work, reference by reference in the order of their first rows.

    Each reference is prepared while the one before is scored, so that no thread waits for it.
    """
    positions: dict[str, list[int]] = {}
    for row, reference in enumerate(references):
        positions.setdefault(reference, []).append(row)
    scoring: list[Task] = []
    for reference, rows in positions.items():
        preparing = Task(reference, Future())
        yield preparing
        yield from scoring
        with open_image(reference) as image:
            batch = engine.batch((image.height, image.width, 3))
        scoring = [
            preparing._replace(rows=part, paths=tuple(paths[row] for row in part))
            for part in batched(rows, batch)
        ]
    yield from scoring


def _score_task(task: Task, engine: Engine, columns: Sequence[str]) -> Scores:
    prepared, shape = task.prepared.result()
    pictures = [read_rgb(path) for path in task.paths]
    for picture, path in zip(pictures, task.paths, strict=True):
        check_distorted(picture, path, shape, task.reference)
    scores = engine.score(lambda: prepared, pictures)
    check_scores(scores, task.paths, task.reference, columns)
    return scores


def _prepare(task: Task, engine: Engine) -> tuple[Any, tuple[int, ...]]:
    picture = read_rgb(task.reference)
    check_reference(picture, task.reference)
    return engine.prepare(picture), picture.shape
