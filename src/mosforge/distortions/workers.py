"""Work that is spread over several processes."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import TypeVar

import cv2

from mosforge.core.errors import MosforgeError

CHANGES_NO_RESULT = "the results and their order do not depend on the processes that compute them"

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def mapped(
    function: Callable[[Task], Result], tasks: Sequence[Task], processes: int, imports: str
) -> Iterator[Iterator[Result]]:
    """Yields the results of a function in the order of the tasks; with one process, it works in this one.

    Args:
        function: what is called with each task.
        tasks: what the function is called with.
        processes: how many work at once.
        imports: the module of the function, which the processes import.

    Raises:
        MosforgeError: what the function raises; or a process was killed.
    """
    if processes <= 1:
        cv2.setNumThreads(1)
        yield map(function, tasks)
        return
    # A fork of this process would copy locks that Arrow's threads hold. So the processes are forked from a
    # new one that has imported the libraries once for all of them.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([imports])
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start)
    try:
        yield pool.map(function, tasks)
    except BrokenProcessPool:
        # The pool does not end a process that was started while it broke, but would wait for it for ever.
        for process in multiprocessing.active_children():
            process.kill()
        raise MosforgeError(
            "a worker process was killed, probably for want of memory; run again with fewer threads"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the process that started this one, too
    cv2.setNumThreads(1)  # the work is spread over tasks
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Ends this process when the one that started it is killed: it would wait for work for ever."""
    connection.wait([sentinel])
    os._exit(1)
