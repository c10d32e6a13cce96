"""The batches of an epoch: drawn from counters, cut in another thread."""

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from mosforge.images import Pixels
from mosforge.packs import Indices, Pack
from mosforge.seeds import generator
from mosforge.training.order import epoch_order
from mosforge.training.recipe import Recipe


def batches(
    pack: Pack,
    rows: Indices,
    recipe: Recipe,
    epoch: int,
    first_step: int = 0,
    groups: Indices | None = None,
) -> Iterator[tuple[Indices, Pixels]]:
    """The batches of an epoch: positions in `rows` (n,), and crops, uint8 (n, crop, crop, 3).

    A sample's crop is drawn from (seed, epoch, sample), so it depends neither on the batch size nor on
    where a resumed epoch begins. `groups` are those of `epoch_order`.
    """
    samples = len(rows) * recipe.repeats
    order = epoch_order(recipe.seed, epoch, samples, groups)
    draws = generator("crops", recipe.seed, epoch).random((samples, 3), dtype=np.float32)
    for start in range(first_step * recipe.batch_size, samples, recipe.batch_size):
        chosen = order[start : start + recipe.batch_size]
        positions = chosen % len(rows)
        yield positions, pack.crops(rows[positions], draws[chosen], recipe.crop, recipe.flip)


def ahead(items: Iterator[tuple[Indices, Pixels]]) -> Iterator[tuple[Indices, Pixels]]:
    """Takes the items in another thread, a few ahead; an error there is raised here."""
    line: queue.Queue[Any] = queue.Queue(maxsize=3)
    gone = threading.Event()
    end = object()

    def put(item: object) -> None:
        while not gone.is_set():
            with contextlib.suppress(queue.Full):
                line.put(item, timeout=0.1)
                return

    def work() -> None:
        try:
            for item in items:
                put(item)
                if gone.is_set():
                    return
            put(end)
        except BaseException as error:
            put(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        while (item := line.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        gone.set()
        worker.join()
