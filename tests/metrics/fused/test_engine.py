"""The buffers of the engine `fused`, which are used again, and what images of one size share."""

import threading

import numpy as np
import pytest
from oracle import scene

from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import METRICS
from mosforge.metrics import score
from mosforge.metrics.fused.compilation import Map
from mosforge.metrics.fused.engine import FusedEngine
from mosforge.metrics.fused.features import Geometry


def images(count: int) -> list[Pixels]:
    return [scene(300, 300)[40 * i :, 50 * i :][:163, :171] for i in range(count)]


def test_a_reference_in_use_is_not_filled_again() -> None:
    engine = FusedEngine()
    first, second, third = images(3)
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
    first, second = images(2)

    def compare(luma: Map, expected: Map) -> float:
        return float(np.shares_memory(engine.prepare(second).reference.gmsd_gradients, expected))

    monkeypatch.setattr("mosforge.metrics.fused.engine.gmsd", compare)
    assert engine.score(lambda: engine.prepare(first), [second])[0, METRICS.index("gmsd")] == 0


def test_two_threads_that_meet_a_new_size_make_its_geometry_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, made = threading.Semaphore(0), []

    class Lock:
        """The lock of the engine, which also counts the threads that ask for it."""

        lock = threading.Lock()

        def __enter__(self) -> None:
            asked.release()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def make(height: int, width: int, factor: int) -> Geometry:
        made.append((height, width))
        for _ in range(2):  # until the other thread is there as well
            asked.acquire(timeout=10)
        return Geometry(height, width, factor)

    monkeypatch.setattr("mosforge.metrics.fused.engine._LOCK", Lock())
    monkeypatch.setattr("mosforge.metrics.fused.engine.Geometry", make)
    size = (165, 173)  # of no other test here
    score(scene(*size), [255 - scene(*size)], threads=2)
    assert made == [size]
