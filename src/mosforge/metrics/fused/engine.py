"""The engine `fused`: scores one picture after another against a prepared reference, on any thread."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np

from mosforge.core.images import Pixels
from mosforge.metrics.engines import IDENTICAL, Scores, bounded
from mosforge.metrics.fused.features import Features
from mosforge.metrics.fused.fsim import fsim
from mosforge.metrics.fused.gmsd import gmsd
from mosforge.metrics.fused.mdsi import mdsi
from mosforge.metrics.fused.plan import Plan
from mosforge.metrics.fused.reference import Reference
from mosforge.metrics.fused.ssim import ssim_and_ms_ssim
from mosforge.metrics.fused.vsi import vsi

Buffers = TypeVar("Buffers", Features, Reference)

_OPENING = threading.Lock()


class _Workshop(NamedTuple):
    """A plan, and the buffers that nobody uses right now: a page of new memory takes longer than its work."""

    plan: Plan
    features: deque[Features]
    references: deque[Reference]


class _Prepared:
    """A reference on loan from its workshop, which has it back when nobody needs it any more."""

    def __init__(self, workshop: _Workshop, reference: Reference) -> None:
        self.workshop = workshop
        self.reference = reference

    def __del__(self) -> None:
        self.workshop.references.append(self.reference)


@lru_cache(maxsize=4)
def _opened(height: int, width: int) -> _Workshop:
    return _Workshop(Plan(height, width), deque(), deque())


def _workshop(height: int, width: int) -> _Workshop:
    # The cache alone would let two threads that meet a new size make its plan twice.
    with _OPENING:
        return _opened(height, width)


def _idle_or_new(idle: deque[Buffers], make: Callable[[Plan], Buffers], plan: Plan) -> Buffers:
    try:
        return idle.pop()
    except IndexError:
        return make(plan)


class FusedEngine:
    """piq's values at a fraction of its time, on the CPU; see the package."""

    def batch(self, shape: tuple[int, ...]) -> int:
        """One: each thread has a picture of its own."""
        return 1

    def prepare(self, reference: Pixels) -> _Prepared:
        """The maps of the reference."""
        workshop = _workshop(*reference.shape[:2])
        maps = _idle_or_new(workshop.references, Reference, workshop.plan)
        maps.fill(np.ascontiguousarray(reference))
        return _Prepared(workshop, maps)

    def score(self, prepared: Callable[[], _Prepared], pictures: Sequence[Pixels]) -> Scores:
        """The six scores of each picture, shape (n, 6); the reference is asked for after the first's maps."""
        workshop = _workshop(*pictures[0].shape[:2])
        features = _idle_or_new(workshop.features, Features, workshop.plan)
        rows = [self._score_one(prepared, features, picture) for picture in pictures]
        workshop.features.append(features)
        return bounded(np.array(rows))

    def _score_one(
        self, prepared: Callable[[], _Prepared], features: Features, picture: Pixels
    ) -> tuple[float, ...]:
        features.fill(np.ascontiguousarray(picture))
        loan = prepared()  # kept, so that the reference is not filled again meanwhile
        reference = loan.reference
        if np.array_equal(features.planes, reference.features.planes):
            return IDENTICAL
        ssim, ms_ssim = ssim_and_ms_ssim(reference, features)
        return (
            ssim,
            ms_ssim,
            mdsi(reference, features),
            vsi(reference, features),
            fsim(reference, features),
            gmsd(reference, features),
        )
