"""The engine `fused`: scores one picture after another against a prepared reference, on any thread."""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mosforge.images import Pixels
from mosforge.metrics.fused.features import Features
from mosforge.metrics.fused.fsim import fsim
from mosforge.metrics.fused.gmsd import gmsd
from mosforge.metrics.fused.mdsi import mdsi
from mosforge.metrics.fused.plan import Plan
from mosforge.metrics.fused.reference import Reference
from mosforge.metrics.fused.ssim import ssim_and_ms_ssim
from mosforge.metrics.fused.vsi import vsi
from mosforge.metrics.protocol import Scores


class _Workshop(NamedTuple):
    """A plan, and the buffers of the threads that are not using theirs right now."""

    plan: Plan
    idle: deque[Features]


class _Prepared(NamedTuple):
    workshop: _Workshop
    reference: Reference


@lru_cache(maxsize=4)
def _workshop(height: int, width: int) -> _Workshop:
    return _Workshop(Plan(height, width), deque())


class FusedEngine:
    """piq's values at a fraction of its time, on the CPU; see the package."""

    def batch(self, shape: tuple[int, ...]) -> int:
        """One: each thread has a picture of its own."""
        return 1

    def prepare(self, reference: Pixels) -> _Prepared:
        """The maps of the reference."""
        workshop = _workshop(*reference.shape[:2])
        return _Prepared(workshop, Reference(workshop.plan, np.ascontiguousarray(reference)))

    def score(self, prepared: _Prepared, pictures: Sequence[Pixels]) -> Scores:
        """The six scores of each picture, shape (n, 6)."""
        workshop = prepared.workshop
        try:
            features = workshop.idle.pop()
        except IndexError:
            features = Features(workshop.plan)
        rows = [self._score_one(prepared.reference, features, picture) for picture in pictures]
        workshop.idle.append(features)
        return np.array(rows)

    def _score_one(self, reference: Reference, features: Features, picture: Pixels) -> tuple[float, ...]:
        features.fill(np.ascontiguousarray(picture))
        ssim, ms_ssim = ssim_and_ms_ssim(reference, features)
        return (
            ssim,
            ms_ssim,
            mdsi(reference, features),
            vsi(reference, features),
            fsim(reference, features),
            gmsd(reference, features),
        )
