"""The scores of images in memory, for other programs; see `mosforge.metrics.score`."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, check_pixels
from mosforge.core.measures import METRICS
from mosforge.core.parallel import available_threads, complete, map_in_order
from mosforge.metrics.engines import Engine, Scores
from mosforge.metrics.pairs import batched, check_distorted, check_reference

_REFERENCE = "the reference image"


def score_arrays(
    engine: Engine, reference: Pixels, distorted: Iterable[Pixels], threads: int | None = None
) -> Scores:
    """Scores images in memory; see `mosforge.metrics.score`."""
    check_pixels(reference, _REFERENCE)
    check_reference(reference, _REFERENCE)
    reference = np.array(reference, order="C")
    images = _copies(_iterator(distorted), reference.shape)
    prepared: Future[Any] = Future()

    def prepare() -> Scores:
        complete(prepared, lambda: engine.prepare(reference))
        return np.empty((0, len(METRICS)))

    batches = batched(images, engine.batch(reference.shape))
    tasks: Iterable[Callable[[], Scores]] = itertools.chain(
        [prepare], (partial(engine.score, prepared.result, batch) for batch in batches)
    )
    rows = map_in_order(lambda task: task(), tasks, available_threads() if threads is None else threads)
    return np.concatenate(list(rows))


def _iterator(distorted: Iterable[Pixels]) -> Iterator[Pixels]:
    if isinstance(distorted, np.ndarray) and distorted.ndim in (2, 3):  # its rows are no images
        raise MosforgeError(
            f"distorted: an array of shape {distorted.shape} is not an iterable of images; "
            "put a single image into a list: score(reference, [image])"
        )
    try:
        return iter(distorted)
    except TypeError:
        raise MosforgeError(
            f"distorted: a {type(distorted).__name__} is not an iterable of images; "
            "give them in a list: score(reference, [image])"
        ) from None


def _copies(images: Iterator[Pixels], shape: tuple[int, ...]) -> Iterator[Pixels]:
    """Checks and copies each image: once the next is asked for, the caller may use its array again."""
    for number, image in enumerate(images):
        name = f"distorted image {number}"
        check_pixels(image, name)
        check_distorted(image, name, shape, _REFERENCE)
        yield np.array(image, order="C")
