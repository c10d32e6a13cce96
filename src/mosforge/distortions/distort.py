"""The job `distort`: all images of a block of a catalogue with the distortions of one group, and a manifest."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_folder
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.stamps import MANIFEST_NAME
from mosforge.core.tables import read_table, write_table
from mosforge.distortions.render import Reference, render_variants
from mosforge.distortions.settings import DistortSettings
from mosforge.distortions.variants import group_of

log = logging.getLogger(__name__)


def distort(catalogue: Path, number: int, *, output: Path, cfg: DistortSettings, threads: int = 1) -> None:
    """Distorts one block of a source's catalogue.

    The folder is written whole or not at all. The bytes of an image depend only on its reference image, source,
    image id and `cfg`, not on the shard nor on the number of processes. A process holds one reference image
    and one distorted image at a time.

    Args:
        catalogue: of the source, Parquet.
        number: of the block, from 0; an empty block makes an empty manifest.
        output: folder of the images and their manifest, whose paths begin with it as it is given here.
        cfg: the distortions of one group of a corpus.
        threads: processes.

    Raises:
        MosforgeError: a distortion is not possible, a reference image has changed or cannot be read, or there
            is no room.
    """
    rows = read_table(catalogue, CATALOGUE).query("shard == @number")
    references = [Reference(*row) for row in rows[list(Reference._fields)].itertuples(index=False)]
    made: list[dict[str, Any]] = []
    with atomic_folder(output) as folder, _processes(min(threads, len(references))) as run:
        results = run(partial(_attempt, cfg=cfg, folder=folder), references)
        for result in tqdm(results, total=len(references), desc=group_of(cfg), unit="image", disable=None):
            if isinstance(result, MosforgeError):
                raise result
            made += [row | {"path": (output / row["path"]).as_posix()} for row in result]
        columns = {name: [row[name] for row in made] for name in MANIFEST.columns}
        write_table(folder / MANIFEST_NAME, MANIFEST, columns, stage="distortions", cfg=cfg.plain())
    log.info("%s: %d distorted images of %d reference images", output, len(made), len(references))


def _attempt(
    reference: Reference, cfg: DistortSettings, folder: Path
) -> list[dict[str, Any]] | MosforgeError:
    # An error is returned, not raised: the pool could not rebuild a subclass whose arguments are no message.
    try:
        return render_variants(reference, cfg, folder)
    except MosforgeError as error:
        return MosforgeError(str(error))


@contextmanager
def _processes(count: int) -> Iterator[Any]:
    """Yields a `map` that keeps the order, in this process or in several.

    They are processes and not threads, since Pillow's codecs keep the interpreter's lock: two threads encode
    JPEG2000 no faster than one. A process reads its reference images itself, so no pixels are sent.
    """
    if count <= 1:
        _use_one_thread()
        yield map
        return
    # A fork of this process would copy locks that Arrow's threads hold. So processes are forked from a new one
    # that has imported the libraries once for all of them.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start_process)
    try:
        yield pool.map
    except BrokenProcessPool:
        # The pool does not end a process that was started while it broke, but would wait for it for ever.
        for process in multiprocessing.active_children():
            process.kill()
        raise MosforgeError(
            "a worker process was killed, probably for want of memory; run again with fewer threads"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the process that started this one, too
    _use_one_thread()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _use_one_thread() -> None:
    cv2.setNumThreads(1)  # the work is spread over reference images


def _end_with(sentinel: int) -> None:
    """Ends this process when the one that started it is killed: it would wait for work for ever."""
    connection.wait([sentinel])
    os._exit(1)
