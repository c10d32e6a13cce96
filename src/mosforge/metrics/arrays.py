"""The scores of images in memory, for other programs; see `mosforge.metrics.score`."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np

from mosforge.core.images import Pixels
from mosforge.core.measures import METRICS
from mosforge.core.parallel import available_threads, complete, map_in_order
from mosforge.metrics.engines import Engine, Scores
from mosforge.metrics.pairs import batched, check_distorted, check_reference


def score_arrays(
    engine: Engine, reference: Pixels, distorted: Iterable[Pixels], threads: int | None = None
) -> Scores:
    """Scores images in memory; see `mosforge.metrics.score`."""
    check_reference(reference, "the reference image")
    prepared: Future[Any] = Future()

    def prepare() -> Scores:
        complete(prepared, lambda: engine.prepare(reference))
        return np.empty((0, len(METRICS)))

    def score(start: int, images: tuple[Pixels, ...]) -> Scores:
        for number, image in enumerate(images, start):
            check_distorted(image, f"distorted image {number}", reference.shape, "the reference image")
        return engine.score(prepared.result, images)

    batches = _numbered(batched(distorted, engine.batch(reference.shape)))
    tasks: Iterable[Callable[[], Scores]] = itertools.chain(
        [prepare], (partial(score, *batch) for batch in batches)
    )
    rows = map_in_order(lambda task: task(), tasks, available_threads() if threads is None else threads)
    return np.concatenate(list(rows))


def _numbered(batches: Iterable[tuple[Pixels, ...]]) -> Iterator[tuple[int, tuple[Pixels, ...]]]:
    start = 0
    for images in batches:
        yield start, images
        start += len(images)
