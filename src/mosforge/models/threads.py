"""Threads that run a network, each image in one of them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

CHANGES_NO_RESULT = "an image goes through a network in one thread, whatever their number"


def start_threads(count: int) -> ThreadPoolExecutor:
    """A pool of threads in which torch does not start threads of its own.

    How torch shares a sum among threads changes its last bits, so a result would depend on their number.
    Work that is cut into parts of a fixed size, one part a thread, does not. The rest of the process keeps
    its own number of threads.

    Args:
        count: of the threads.
    """
    outside = torch.get_num_threads()
    pool = ThreadPoolExecutor(count, "mosforge", initializer=_use_one_thread)
    started = threading.Barrier(count + 1)
    for _ in range(count):
        pool.submit(started.wait)
    started.wait()
    # The number is also the default of all threads that the process starts later.
    torch.set_num_threads(outside)
    return pool


def _use_one_thread() -> None:
    torch.get_num_threads()  # a thread's first call sets its number to the default
    torch.set_num_threads(1)
