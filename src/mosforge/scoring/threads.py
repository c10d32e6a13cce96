"""A pool of threads in each of which a network computes alone."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import torch


def usable_cores() -> int:
    """The processor cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def start_pool(threads: int) -> ThreadPoolExecutor:
    """A pool whose threads each do their arithmetic without help from others.

    How torch shares a sum among threads changes its last bits, so a result would depend on their number;
    work that is cut into pieces of a fixed size, one piece a thread, does not. The rest of the process
    keeps its own number of threads.
    """
    outside = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, "mosforge", initializer=_work_alone)
    started = threading.Barrier(threads + 1)
    for _ in range(threads):
        pool.submit(started.wait)
    started.wait()
    # The number is also the default of threads that start later, of whatever part of the process.
    torch.set_num_threads(outside)
    return pool


def _work_alone() -> None:
    torch.get_num_threads()  # a thread's first question sets its number to the default
    torch.set_num_threads(1)
