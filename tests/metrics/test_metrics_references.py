"""References: prepared beside the pictures that wait for them, in buffers that are used again."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from skimage import data

from mosforge.core.images import Pixels
from mosforge.core.measures import METRICS
from mosforge.metrics import score
from mosforge.metrics.arrays import score_arrays
from mosforge.metrics.engines import Scores
from mosforge.metrics.fused.engine import FusedEngine
from mosforge.metrics.fused.features import Features
from mosforge.metrics.fused.plan import Plan
from mosforge.metrics.fused.reference import Reference

SHAPE = (163, 171)


def photographs(count: int) -> list[Pixels]:
    return [
        np.ascontiguousarray(data.astronaut()[40 * i :, 50 * i :][: SHAPE[0], : SHAPE[1]])
        for i in range(count)
    ]


def test_a_reference_in_use_is_not_filled_again() -> None:
    engine = FusedEngine()
    first, second, third = photographs(3)
    kept, dropped = engine.prepare(first), engine.prepare(second)
    assert kept.reference is not dropped.reference
    buffers = dropped.reference
    del dropped
    again = engine.prepare(third)
    assert again.reference is buffers
    np.testing.assert_array_equal(engine.score(lambda: kept, [third]), score(first, [third], threads=1))
    np.testing.assert_array_equal(engine.score(lambda: again, [first]), score(third, [first], threads=1))


def test_a_reference_that_only_the_engine_keeps_is_not_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FusedEngine()
    first, second = photographs(2)

    def compare(reference: Reference, distorted: Features) -> float:
        return float(engine.prepare(second).reference is reference)

    monkeypatch.setattr("mosforge.metrics.fused.engine.gmsd", compare)
    assert engine.score(lambda: engine.prepare(first), [second])[0, METRICS.index("gmsd")] == 0


def test_two_threads_that_meet_a_new_size_make_its_plan_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def plan(height: int, width: int) -> Plan:
        made.append((height, width))
        time.sleep(0.2)  # long enough for the other thread
        return Plan(height, width)

    monkeypatch.setattr("mosforge.metrics.fused.engine.Plan", plan)
    size = (165, 173)  # of no other test here
    photograph = np.ascontiguousarray(data.astronaut()[: size[0], : size[1]])
    score(photograph, [photograph], threads=2)
    assert made == [size]


class Meeting:
    """An engine whose preparation ends only when a picture's scoring has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def batch(self, shape: tuple[int, ...]) -> int:
        return 1

    def prepare(self, reference: Pixels) -> bool:
        return self.begun.wait(timeout=60)

    def score(self, prepared: Callable[[], bool], pictures: Any) -> Scores:
        self.begun.set()
        return np.full((1, 6), float(prepared()))


def test_pictures_do_not_wait_for_the_reference_to_begin() -> None:
    first, second = photographs(2)
    np.testing.assert_array_equal(score_arrays(Meeting(), first, [second], threads=2), np.ones((1, 6)))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failed_preparation_reaches_those_who_wait(threads: int) -> None:
    class Failing(Meeting):
        def prepare(self, reference: Pixels) -> bool:
            raise MemoryError("no room")

    first, second = photographs(2)
    with pytest.raises(MemoryError, match="no room"):
        score_arrays(Failing(), first, [second, second], threads)
