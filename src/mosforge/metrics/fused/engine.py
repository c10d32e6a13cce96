"""The engine `fused`: scores one image after another against a prepared reference image, on any thread."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np

from mosforge.core.images import Pixels
from mosforge.metrics.engines import IDENTICAL, Scores, bounded, viewing_factor
from mosforge.metrics.fused.features import Features, Geometry, Reference
from mosforge.metrics.fused.fsim import fsim
from mosforge.metrics.fused.gmsd import gmsd
from mosforge.metrics.fused.mdsi import mdsi
from mosforge.metrics.fused.ssim import ssim_and_ms_ssim
from mosforge.metrics.fused.vsi import vsi

Buffers = TypeVar("Buffers", Features, Reference)

_LOCK = threading.Lock()


class _Pool(NamedTuple):
    """What images of one size and viewing scale share: the geometry, and buffers that nobody uses just now.

    Getting new memory from the system takes longer than the arithmetic on it.
    """

    geometry: Geometry
    features: deque[Features]
    references: deque[Reference]


class _Prepared:
    """A reference in a buffer of a pool, which gets it back when nobody needs it any more."""

    def __init__(self, pool: _Pool, reference: Reference) -> None:
        self.pool = pool
        self.reference = reference

    def __del__(self) -> None:
        self.pool.references.append(self.reference)


@lru_cache(maxsize=4)
def _cached_pool(height: int, width: int, factor: int) -> _Pool:
    return _Pool(Geometry(height, width, factor), deque(), deque())


def _pool(scale: str | int, height: int, width: int) -> _Pool:
    # With nothing but the cache, two threads that meet a new size would both make its geometry.
    with _LOCK:
        return _cached_pool(height, width, viewing_factor(scale, height, width))


def _take(idle: deque[Buffers], make: Callable[[Geometry], Buffers], geometry: Geometry) -> Buffers:
    try:
        return idle.pop()
    except IndexError:
        return make(geometry)


class FusedEngine:
    """piq's values at a fraction of its time, on the CPU; see the package."""

    def __init__(self, scale: str | int = "auto") -> None:
        self._scale = scale

    def batch(self, shape: tuple[int, ...]) -> int:
        """One: each thread has an image of its own."""
        return 1

    def prepare(self, reference: Pixels) -> _Prepared:
        """The maps of the reference image."""
        pool = _pool(self._scale, *reference.shape[:2])
        maps = _take(pool.references, Reference, pool.geometry)
        maps.fill(np.ascontiguousarray(reference))
        return _Prepared(pool, maps)

    def score(self, prepared: Callable[[], _Prepared], images: Sequence[Pixels]) -> Scores:
        """The six scores of each image, shape (n, 6); waits for the reference only after the first's maps."""
        pool = _pool(self._scale, *images[0].shape[:2])
        features = _take(pool.features, Features, pool.geometry)
        rows = []
        for image in images:
            features.fill(np.ascontiguousarray(image))
            kept = prepared()  # as long as this name lives, the reference's buffer is not filled again
            rows.append(_scores(kept.reference, features))
        pool.features.append(features)
        return bounded(np.array(rows))


def _scores(reference: Reference, distorted: Features) -> tuple[float, ...]:
    expected = reference.features
    if distorted.equals(expected):
        return IDENTICAL
    scale = distorted.geometry.ssim_scale
    return (
        *ssim_and_ms_ssim(distorted.pyramid, expected.pyramid, reference.moments, scale),
        mdsi(distorted.lhm, expected.lhm, reference.lhm_gradients, distorted.loss),
        vsi(distorted.lmn, distorted.saliency, expected.lmn, expected.saliency, reference.lmn_gradients[2]),
        fsim(distorted.yiq, distorted.phase, expected.yiq, expected.phase, reference.yiq_gradients[2]),
        gmsd(distorted.gmsd_luma, reference.gmsd_gradients[2]),
    )
