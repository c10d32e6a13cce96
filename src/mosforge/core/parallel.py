"""Work on several threads whose results come in order, with a bounded number under way."""

import contextlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mosforge.core.errors import MosforgeError
from mosforge.core.values import is_whole

CHANGES_NO_RESULT = "the results and their order do not depend on the threads that compute them"

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_threads() -> int:
    """The processor cores that this process may use, which a scheduler may have limited."""
    return len(os.sched_getaffinity(0))


def check_threads(threads: object) -> None:
    """Refuses a number of threads that is no whole number from 1.

    Raises:
        MosforgeError: it is none.
    """
    if not (is_whole(threads) and threads >= 1):  # type: ignore[operator]
        raise MosforgeError(f"threads: {threads!r} is not a whole number from 1")


def map_in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    ahead: int | None = None,
    start: Callable[[int], ThreadPoolExecutor] = ThreadPoolExecutor,
) -> Generator[Result]:
    """Like `map`, on `threads` threads: yields the results in the order of the items.

    The calls start in order, so one may wait for an earlier one. Left early, it waits for the calls that run
    and starts no other.

    Args:
        function: called once for each item.
        items: any number of them; they are taken in the thread that asks for the results.
        threads: calls that run at the same time.
        ahead: calls that are under way or done beside the result that is yielded; two for each thread by
            default.
        start: starts so many threads.

    Raises:
        MosforgeError: `threads` is not a whole number from 1.
        Exception: what `function` or `items` raises, after the results of all items before it.
    """
    check_threads(threads)
    pool = start(threads)
    try:
        futures = (pool.submit(function, item) for item in items)
        for future in keep_ahead(futures, 2 * threads if ahead is None else ahead):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def take_ahead(items: Iterable[Item], ahead: int = 3) -> Generator[Item]:
    """Takes items in another thread, up to `ahead` of them before they are asked for.

    Left early, it waits for the item that is being made and takes no other.

    Raises:
        Exception: what `items` raises, after all items before it.
    """
    iterator, end = iter(items), object()
    results = map_in_order(lambda _: next(iterator, end), itertools.repeat(None), 1, ahead)
    with contextlib.closing(results):
        for item in results:
            if item is end:
                return
            yield item  # type: ignore[misc]


def keep_ahead(
    items: Iterable[Item], ahead: int, drop: Callable[[Item], object] | None = None
) -> Generator[Item]:
    """Yields the items in order, each after `ahead` more were taken, so that the work they start goes on.

    Args:
        items: any number of them.
        ahead: how many are taken before they are asked for.
        drop: called for each item that was taken and is not asked for any more.

    Raises:
        Exception: what `items` raises, after all items before it.
    """
    taken: deque[Item] = deque()
    failure: Exception | None = None
    try:
        try:
            for item in items:
                taken.append(item)
                if len(taken) > ahead:
                    yield taken.popleft()
        except Exception as error:
            failure = error
        while taken:
            yield taken.popleft()
    finally:
        for item in taken:
            if drop:
                drop(item)
    if failure:
        raise failure
