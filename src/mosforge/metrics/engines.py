"""Which engines there are, and the checks that both share."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels
from mosforge.core.measures import METRICS
from mosforge.core.parallel import available_threads, complete, map_in_order
from mosforge.metrics.protocol import Engine, Scores

ENGINES = ("fused", "piq")


def make_engine(name: str, device: str = "auto") -> Engine:
    """The engine of that name.

    Args:
        name: one of `ENGINES`.
        device: where `piq` computes: `cpu`, `cuda`, or `auto`.

    Raises:
        MosforgeError: an unknown name, or a device that is not there.
    """
    if name == "fused":
        if device not in ("auto", "cpu"):
            raise MosforgeError(f"--device {device}: the engine fused is for the CPU; choose the engine piq")
        from mosforge.metrics.fused.engine import FusedEngine

        return FusedEngine()
    if name == "piq":
        from mosforge.metrics.piq_engine import PiqEngine

        return PiqEngine(device)
    raise MosforgeError(f"metrics.engine: {name!r} is not an engine; choose one of {', '.join(ENGINES)}")


def check_reference(picture: Pixels, name: str) -> None:
    """Refuses a reference that the metrics are not defined for."""
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MosforgeError(
            f"{name}: {width}x{height} pixels; the metrics need at least {SMALLEST_SIDE} on each side"
        )


def check_distorted(picture: Pixels, name: str, shape: tuple[int, ...], reference: str) -> None:
    """Refuses a distorted picture that has not the shape of its reference."""
    if picture.shape != shape:
        height, width = picture.shape[:2]
        raise MosforgeError(
            f"{name}: {width}x{height} pixels, but its reference {reference} has {shape[1]}x{shape[0]}; "
            "both must have the same size"
        )


def check_scores(
    scores: Scores, names: Sequence[str], reference: str, columns: Sequence[str] = METRICS
) -> None:
    """Refuses scores that are not finite, and names the first picture and metric."""
    bad = np.argwhere(~np.isfinite(scores))
    if len(bad):
        row, column = bad[0]
        raise MosforgeError(
            f"{names[row]}: {columns[column]} against {reference} is {scores[row, column]}; "
            "look at the picture, and leave it out"
        )


def score_pictures(
    engine: Engine, reference: Pixels, distorted: Iterable[Pixels], threads: int | None = None
) -> Scores:
    """Scores pictures in memory; see `mosforge.metrics.score`."""
    check_reference(reference, "the reference")
    prepared: Future[Any] = Future()

    def prepare() -> Scores:
        complete(prepared, lambda: engine.prepare(reference))
        return np.empty((0, len(METRICS)))

    def score(start: int, pictures: tuple[Pixels, ...]) -> Scores:
        for number, picture in enumerate(pictures, start):
            check_distorted(picture, f"distorted picture {number}", reference.shape, "(in memory)")
        return engine.score(prepared.result, pictures)

    batches = _numbered(batched(distorted, engine.batch(reference.shape)))
    tasks: Iterable[Callable[[], Scores]] = itertools.chain(
        [prepare], (partial(score, *batch) for batch in batches)
    )
    rows = map_in_order(lambda task: task(), tasks, available_threads() if threads is None else threads)
    return np.concatenate(list(rows))


def _numbered(batches: Iterable[tuple[Pixels, ...]]) -> Iterator[tuple[int, tuple[Pixels, ...]]]:
    start = 0
    for pictures in batches:
        yield start, pictures
        start += len(pictures)


def batched(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Consecutive tuples of up to `size` items (`itertools.batched`, which Python 3.11 lacks)."""
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch
