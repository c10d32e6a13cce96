"""Work on several threads whose results come back in order, with a bounded number under way."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_threads() -> int:
    """The CPUs that this process may use, which a scheduler may have limited."""
    return len(os.sched_getaffinity(0))


def map_in_order(function: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """Like `map`, on `threads` threads: yields the results in the order of the tasks.

    At most two tasks a thread are drawn ahead of the result that is yielded next, so memory stays bounded
    however many there are. Tasks start in their order, so one may wait for an earlier one.
    """
    pool = ThreadPoolExecutor(threads)
    pending: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            pending.append(pool.submit(function, task))
            if len(pending) > 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def complete(future: Future[Result], function: Callable[[], Result]) -> None:
    """Gives what `function` returns or raises to those who wait for `future`: none may wait for ever."""
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
