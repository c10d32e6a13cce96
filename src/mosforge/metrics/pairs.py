"""The scores of pairs of images, in files or in memory, on several threads; and the checks of a pair.

There are two kinds of task: prepare a reference image, or decode and score a batch of its distorted images.
So decoding and scoring overlap, and few images are in memory at a time.
"""

import contextlib
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels, check_pixels, open_image, read_rgb
from mosforge.core.parallel import available_threads, map_in_order
from mosforge.core.schemas.metrics import METRICS
from mosforge.metrics.engines import Engine, Scores

_REFERENCE = "the reference image"

Task = Callable[[], Scores]


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
    rows_of: dict[str, list[int]] = {}
    for row, reference in enumerate(references):
        rows_of.setdefault(reference, []).append(row)
    rows = itertools.chain.from_iterable(rows_of.values())
    scores = np.empty((len(paths), len(columns)))
    is_hidden = True if len(paths) == 1 else None  # None: unless standard error is a terminal
    with tqdm(total=len(paths), unit="image", disable=is_hidden) as progress:
        for batch in map_in_order(operator.call, _tasks(rows_of, paths, engine, columns), threads):
            scores[list(itertools.islice(rows, len(batch)))] = batch
            progress.update(len(batch))
    return scores


def score_arrays(
    engine: Engine, reference: Pixels, distorted: Iterable[Pixels], threads: int | None = None
) -> Scores:
    """Scores images in memory; see `mosforge.metrics.score`."""
    check_pixels(reference, _REFERENCE)
    check_reference(reference, _REFERENCE)
    reference = np.array(reference, order="C")
    images = _copies(_iterator(distorted), reference.shape)
    prepare, prepared = preparation(lambda: engine.prepare(reference))
    batches = _batched(images, engine.batch(reference.shape))
    scoring = (partial(engine.score, prepared, batch) for batch in batches)
    tasks: Iterator[Task] = itertools.chain([prepare], scoring)
    threads = available_threads() if threads is None else threads
    return np.concatenate(list(map_in_order(operator.call, tasks, threads)))


def preparation(prepare: Callable[[], Any], width: int = len(METRICS)) -> tuple[Task, Callable[[], Any]]:
    """A task that calls `prepare` and has no scores, and a function that waits for what that call gives.

    The function returns or raises what `prepare` does: nobody may wait for ever.
    """
    future: Future[Any] = Future()

    def run() -> Scores:
        try:
            future.set_result(prepare())
        except BaseException as error:
            future.set_exception(error)
        return np.empty((0, width))

    return run, future.result


def _tasks(
    rows_of: dict[str, list[int]], paths: Sequence[str], engine: Engine, columns: Sequence[str]
) -> Iterator[Task]:
    """The work, one reference image after the other.

    Each reference image is prepared while distorted images of the one before are scored, so that no thread
    waits for it.
    """
    scoring: list[Task] = []
    for reference, rows in rows_of.items():
        prepare, prepared = preparation(partial(_prepare, reference, engine), len(columns))
        yield prepare
        yield from scoring
        with open_image(reference) as image:
            batch = engine.batch((image.height, image.width, 3))
        scoring = [
            partial(_score_batch, reference, prepared, [paths[row] for row in part], engine, columns)
            for part in _batched(rows, batch)
        ]
    yield from scoring


def _prepare(reference: str, engine: Engine) -> tuple[Any, tuple[int, ...]]:
    image = read_rgb(reference)
    check_reference(image, reference)
    return engine.prepare(image), image.shape


def _score_batch(
    reference: str,
    prepared: Callable[[], tuple[Any, tuple[int, ...]]],
    paths: Sequence[str],
    engine: Engine,
    columns: Sequence[str],
) -> Scores:
    of_reference, shape = prepared()
    images = [read_rgb(path) for path in paths]
    for image, path in zip(images, paths, strict=True):
        _check_distorted(image, path, shape, reference)
    scores = engine.score(lambda: of_reference, images)
    bad = np.argwhere(~np.isfinite(scores))
    if len(bad):
        row, column = bad[0]
        raise MosforgeError(
            f"{paths[row]}: {columns[column]} against {reference} is {scores[row, column]}; "
            "look at the image, and leave it out"
        )
    return scores


def _batched(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """`itertools.batched`, which Python 3.11 lacks."""
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def _iterator(distorted: Iterable[Pixels]) -> Iterator[Pixels]:
    given = f"a {type(distorted).__name__}"
    if isinstance(distorted, np.ndarray) and distorted.ndim in (2, 3):  # its rows are no images
        given = f"an array of shape {distorted.shape}"
    else:
        with contextlib.suppress(TypeError):
            return iter(distorted)
    raise MosforgeError(
        f"distorted: {given} is not an iterable of images; give them in a list: score(reference, [image])"
    )


def _copies(images: Iterator[Pixels], shape: tuple[int, ...]) -> Iterator[Pixels]:
    """Checks and copies each image: once the next is asked for, the caller may use its array again."""
    for number, image in enumerate(images):
        name = f"distorted image {number}"
        check_pixels(image, name)
        _check_distorted(image, name, shape, _REFERENCE)
        yield np.array(image, order="C")


def check_reference(image: Pixels, name: str) -> None:
    """Refuses a reference image that is too small for the metrics; `name` says which."""
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MosforgeError(
            f"{name}: {width}x{height} pixels; the metrics need at least {SMALLEST_SIDE} on each side"
        )


def _check_distorted(image: Pixels, name: str, shape: tuple[int, ...], reference: str) -> None:
    if image.shape != shape:
        height, width = image.shape[:2]
        raise MosforgeError(
            f"{name}: {width}x{height} pixels, but {reference} has {shape[1]}x{shape[0]}; a distorted image "
            "must have the size of its reference image"
        )
