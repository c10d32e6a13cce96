"""A shard: all pictures of a block of a catalogue for one group, with their manifest."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import connection
from pathlib import Path, PurePath
from typing import Any

import cv2
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_folder
from mosforge.distortions.photograph import Photograph, distort_photograph
from mosforge.distortions.plans import Plan, plan_of

logger = logging.getLogger(__name__)

Outcome = list[dict[str, Any]] | MosforgeError


def make_shard(photographs: Sequence[Photograph], cfg: Any, output: PurePath, workers: int) -> None:
    """Writes the folder of a shard, whole or not at all: the pictures and `manifest.parquet`.

    The bytes of a picture depend on its photograph, source, image id and `cfg` alone, whatever the shard
    and the number of workers. A worker holds one photograph and one of its pictures at a time.

    Args:
        photographs: in the order of the catalogue; none makes an empty manifest.
        cfg: the parameters of the rule, see `plans.plan_of`.
        output: the folder; the paths in the manifest begin with it as it is given here.
        workers: processes.

    Raises:
        MosforgeError: bad `cfg`, a photograph that changed or cannot be read, or no room.
    """
    from mosforge.core.schemas.distortions import MANIFEST
    from mosforge.core.tables import write_table

    plan = plan_of(cfg)
    with atomic_folder(Path(output)) as folder:
        rows = []
        with _mapper(min(workers, len(photographs))) as run:
            work = run(partial(_attempt, plan=plan, folder=folder), photographs)
            for outcome in tqdm(work, total=len(photographs), desc=plan.group, unit="photo", disable=None):
                if isinstance(outcome, MosforgeError):
                    raise outcome
                rows += outcome
        for row in rows:
            row["path"] = (output / row["path"]).as_posix()
        columns = {name: [row[name] for row in rows] for name in MANIFEST.columns}
        write_table(folder / "manifest.parquet", MANIFEST, columns, stage="distortions", cfg=cfg)
    logger.info("%s: %d pictures of %d photographs", output.as_posix(), len(rows), len(photographs))


def _attempt(photograph: Photograph, plan: Plan, folder: Path) -> Outcome:
    # An error travels as a value: the pool would rebuild a subclass from a message it does not take.
    try:
        return distort_photograph(photograph, plan, folder)
    except MosforgeError as error:
        return MosforgeError(str(error))


@contextmanager
def _mapper(workers: int) -> Iterator[Any]:
    """Yields a `map` that keeps the order, in this process or in several.

    Processes and not threads: Pillow's codecs keep the interpreter's lock, and two threads encode JPEG2000
    no faster than one. Photographs are read in the worker, so no picture travels.
    """
    if workers <= 1:
        _single_threaded()
        yield map
        return
    # Not a fork of this process, which would copy locks that Arrow's threads hold: workers are forked from
    # a fresh one that has imported the libraries once for all of them.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mosforge.distortions.photograph"])
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        yield pool.map
    except BrokenProcessPool:
        # A worker that was started while the pool broke is not ended by it, but waited for: for ever.
        for worker in multiprocessing.active_children():
            worker.kill()
        raise MosforgeError(
            "a worker process was killed, probably for want of memory; run again with fewer threads"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the one that started the workers, too
    _single_threaded()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _single_threaded() -> None:
    cv2.setNumThreads(1)  # the work is spread over photographs


def _end_with(sentinel: int) -> None:
    """Ends this worker when the process that started it is killed: it would wait for work for ever."""
    connection.wait([sentinel])
    os._exit(1)
