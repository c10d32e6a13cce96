"""Work on threads: the order of the results, the bound, errors, and what is left when a loop is left."""

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from mosforge.core.parallel import available_threads, keep_ahead, map_in_order, take_ahead

Take = Callable[[Iterator[int]], Iterator[int]]

WAYS = {
    "map_in_order": lambda items: map_in_order(lambda item: item, items, 2),
    "take_ahead": take_ahead,
    "keep_ahead": lambda items: keep_ahead(items, 4),
}
every_way = pytest.mark.parametrize("take", WAYS.values(), ids=WAYS)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before


def failing(count: int) -> Iterator[int]:
    yield from range(count)
    raise OSError("the pack is gone")


@every_way
@pytest.mark.parametrize("count", [0, 1, 3, 200])
def test_items_come_in_order(take: Take, count: int) -> None:
    assert list(take(iter(range(count)))) == list(range(count))


@every_way
@pytest.mark.parametrize("count", [0, 2, 9])
def test_an_error_of_the_items_comes_after_the_items_before_it(take: Take, count: int) -> None:
    seen = []
    with pytest.raises(OSError, match="the pack is gone"):  # noqa: PT012
        for item in take(failing(count)):
            seen.append(item)
    assert seen == list(range(count))


@every_way
def test_few_items_are_taken_ahead(take: Take) -> None:
    taken = itertools.count()

    def items() -> Iterator[int]:
        while True:
            yield next(taken)

    line = take(items())
    assert [next(line) for _ in range(20)] == list(range(20))
    line.close()
    assert 21 <= next(taken) <= 25


@every_way
def test_lines_in_several_threads_are_strangers_to_each_other(take: Take) -> None:
    found: dict[int, list[int]] = {}

    def consume(start: int) -> None:
        found[start] = list(take(iter(range(start, start + 300))))

    threads = [threading.Thread(target=consume, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {start: list(range(start, start + 300)) for start in (0, 1000, 2000)}


def test_calls_run_at_the_same_time_and_finish_in_any_order() -> None:
    second_is_done = threading.Event()

    def call(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(60)
        elif number == 1:
            second_is_done.set()
        return number * number

    assert list(map_in_order(call, range(30), 2)) == [number * number for number in range(30)]


def test_an_error_of_a_call_comes_where_its_item_stands_and_stops_the_work() -> None:
    called, seen = [], []

    def call(number: int) -> int:
        called.append(number)
        return 1 // (number - 3)

    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        for result in map_in_order(call, range(1000), 2):
            seen.append(result)
    assert seen == [-1, -1, -1]
    assert len(called) < 12


def test_the_first_error_in_the_order_of_the_items_is_raised_however_many_threads() -> None:
    """Also where a later item fails earlier: what is reported does not depend on the number of threads."""

    def items() -> Iterator[int]:
        yield from (0, 1, 2)
        raise OSError("the items end here")

    for threads in (1, 2, 7):
        with pytest.raises(ZeroDivisionError):
            list(map_in_order(lambda number: 1 // (number - 1), items(), threads))


def test_left_early_nothing_more_is_called() -> None:
    called = []
    line = map_in_order(called.append, itertools.count(), 3, ahead=5)
    next(line)
    line.close()
    assert 1 <= len(called) <= 6


def test_what_is_not_asked_for_is_dropped() -> None:
    dropped: list[int] = []
    line = keep_ahead(range(100), 3, dropped.append)
    assert [next(line), next(line)] == [0, 1]
    line.close()
    assert dropped == [2, 3, 4]
    assert list(keep_ahead(range(5), 3, dropped.append)) == list(range(5))
    assert dropped == [2, 3, 4]


def test_calls_may_wait_for_earlier_ones() -> None:
    first = threading.Event()

    def call(number: int) -> int:
        if number == 0:
            first.set()
        assert first.wait(60)
        return number

    assert list(map_in_order(call, range(50), 4)) == list(range(50))


def test_there_is_a_core_to_run_on() -> None:
    assert available_threads() >= 1
