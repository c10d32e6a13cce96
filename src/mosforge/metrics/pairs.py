"""The scores of pairs of files, read, decoded and scored on several threads; and the checks of a pair.

A task prepares a reference image, or is a batch of its distorted images, which the thread that takes it
decodes and scores. So decoding and scoring overlap, and few images are in memory at a time.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels, open_image, read_rgb
from mosforge.core.measures import METRICS
from mosforge.core.parallel import complete, map_in_order
from mosforge.metrics.engines import Engine, Scores


def score_pairs(
    references: Sequence[str],
    paths: Sequence[str],
    engine: Engine,
    threads: int,
    columns: Sequence[str] = METRICS,
) -> Scores:
    """The scores of every distorted image against its reference image, in their order.

    Args:
        references: for each distorted image, the path of its reference image.
        paths: path of each distorted image.
        engine: what scores them.
        threads: images that are decoded and scored at the same time.
        columns: names of the scores that the engine gives.

    Raises:
        MosforgeError: an unreadable image, shapes that differ, or a score that is not finite.
    """
    scores = np.full((len(paths), len(columns)), np.nan)

    def run(task: _Task) -> int:
        if task.rows:
            scores[list(task.rows)] = _score_task(task, engine, columns)
        else:
            complete(task.prepared, lambda: _prepare(task, engine))
        return len(task.rows)

    is_hidden = True if len(paths) == 1 else None  # None: unless standard error is a terminal
    with tqdm(total=len(paths), unit="image", disable=is_hidden) as progress:
        for done in map_in_order(run, _tasks(references, paths, engine), threads):
            progress.update(done)
    return scores


class _Task(NamedTuple):
    """A reference image to prepare, or distorted images of one."""

    reference: str
    prepared: "Future[tuple[Any, tuple[int, ...]]]"
    """What the engine needs of the reference image, and its shape; set by the task that prepares it."""
    rows: tuple[int, ...] = ()
    """Positions among all pairs; none where the reference image is to be prepared."""
    paths: tuple[str, ...] = ()


def _tasks(references: Sequence[str], paths: Sequence[str], engine: Engine) -> Iterator[_Task]:
    """The work, one reference image after the other in the order of their first rows.

    Each reference image is prepared while distorted images of the one before are scored, so that no thread
    waits for it.
    """
    positions: dict[str, list[int]] = {}
    for row, reference in enumerate(references):
        positions.setdefault(reference, []).append(row)
    scoring: list[_Task] = []
    for reference, rows in positions.items():
        preparing = _Task(reference, Future())
        yield preparing
        yield from scoring
        with open_image(reference) as image:
            batch = engine.batch((image.height, image.width, 3))
        scoring = [
            preparing._replace(rows=part, paths=tuple(paths[row] for row in part))
            for part in batched(rows, batch)
        ]
    yield from scoring


def _prepare(task: _Task, engine: Engine) -> tuple[Any, tuple[int, ...]]:
    image = read_rgb(task.reference)
    check_reference(image, task.reference)
    return engine.prepare(image), image.shape


def _score_task(task: _Task, engine: Engine, columns: Sequence[str]) -> Scores:
    prepared, shape = task.prepared.result()
    images = [read_rgb(path) for path in task.paths]
    for image, path in zip(images, task.paths, strict=True):
        check_distorted(image, path, shape, task.reference)
    scores = engine.score(lambda: prepared, images)
    check_scores(scores, task.paths, task.reference, columns)
    return scores


def batched(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Consecutive tuples of up to `size` items (`itertools.batched`, which Python 3.11 lacks)."""
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def check_reference(image: Pixels, name: str) -> None:
    """Refuses a reference image that the metrics are not defined for."""
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MosforgeError(
            f"{name}: {width}x{height} pixels; the metrics need at least {SMALLEST_SIDE} on each side"
        )


def check_distorted(image: Pixels, name: str, shape: tuple[int, ...], reference: str) -> None:
    """Refuses a distorted image that has not the shape of its reference image."""
    if image.shape != shape:
        height, width = image.shape[:2]
        raise MosforgeError(
            f"{name}: {width}x{height} pixels, but {reference} has {shape[1]}x{shape[0]}; a distorted image "
            "must have the size of its reference image"
        )


def check_scores(
    scores: Scores, names: Sequence[str], reference: str, columns: Sequence[str] = METRICS
) -> None:
    """Refuses scores that are not finite, and names the first image and metric."""
    bad = np.argwhere(~np.isfinite(scores))
    if len(bad):
        row, column = bad[0]
        raise MosforgeError(
            f"{names[row]}: {columns[column]} against {reference} is {scores[row, column]}; "
            "look at the image, and leave it out"
        )
