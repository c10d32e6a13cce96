"""What computes the six metrics: the engines, and what can be asked of each."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import DISTANCES, METRICS

ENGINES = ("fused", "piq")

Scores = npt.NDArray[np.float64]
"""Shape (n, 6): a row for each image, columns in the order of `measures.METRICS`."""

IDENTICAL = tuple(0.0 if name in DISTANCES else 1.0 for name in METRICS)
"""The six scores of an image against itself."""


class Engine(Protocol):
    """Scores images against a prepared reference image; several threads may call it at the same time."""

    def batch(self, shape: tuple[int, ...]) -> int:
        """How many images of that shape to hand over together."""

    def prepare(self, reference: Pixels) -> Any:
        """What `score` needs of a reference image, computed once."""

    def score(self, prepared: Callable[[], Any], images: Sequence[Pixels]) -> Scores:
        """The scores of each image, a row each.

        `prepared` waits for what `prepare` returns, and gives it; so what needs no reference image can be
        computed before.
        """


def bounded(scores: Scores) -> Scores:
    """The scores without the rounding errors by which similarities exceed 1."""
    return np.where(np.array(IDENTICAL) == 0, scores, np.minimum(scores, 1))


def make_engine(name: str, device: str = "auto") -> Engine:
    """The engine of that name.

    Args:
        name: one of `ENGINES`.
        device: where `piq` computes: `cpu`, `cuda`, or `auto`.

    Raises:
        MosforgeError: an unknown name, or a device that is not there.
    """
    if name == "fused":
        if device not in ("auto", "cpu"):
            raise MosforgeError(f"--device {device}: the engine fused is for the CPU; choose the engine piq")
        from mosforge.metrics.fused.engine import FusedEngine

        return FusedEngine()
    if name == "piq":
        from mosforge.metrics.piq_engine import PiqEngine

        return PiqEngine(device)
    raise MosforgeError(f"metrics.engine: {name!r} is not an engine; choose one of {', '.join(ENGINES)}")
