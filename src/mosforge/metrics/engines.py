"""What computes the six metrics: the engines, and what can be asked of each."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import DISTANCES, METRICS
from mosforge.core.values import LARGEST_SCALE

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


def viewing_factor(scale: str | int, height: int, width: int) -> int:
    """By which factor SSIM, MDSI, VSI and FSIM shrink images of that size before they compare them.

    Args:
        scale: the factor itself, or `auto`: round(shorter side / 256) with halves to even, as in piq. The
            authors' MATLAB rounds halves up: to 3 and not 2 at 640 rows, to 5 and not 4 at 1152.
        height: of the images, in pixels.
        width: of the images.
    """
    return max(1, round(min(height, width) / 256)) if scale == "auto" else int(scale)


def luma(image: Pixels) -> Pixels:
    """The luma (BT.601) of uint8 RGB pixels (H, W, 3), rounded, uint8 (H, W): MATLAB's rgb2gray."""
    grey: Pixels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey


def bounded(scores: Scores) -> Scores:
    """The scores without the rounding errors by which similarities exceed 1."""
    return np.where(np.array(IDENTICAL) == 0, scores, np.minimum(scores, 1))


def make_engine(name: str, device: str = "auto", scale: str | int = "auto") -> Engine:
    """The engine of that name.

    Args:
        name: one of `ENGINES`.
        device: where `piq` computes: `cpu`, `cuda`, or `auto`.
        scale: the viewing scale; see `viewing_factor`.

    Raises:
        MosforgeError: an unknown name or scale, or a device that is not there.
    """
    if scale != "auto" and (type(scale) is not int or not 1 <= scale <= LARGEST_SCALE):
        raise MosforgeError(
            f"metrics.scale: {scale!r} is not a scale; give auto or a whole number from 1 to {LARGEST_SCALE}"
        )
    if name == "fused":
        if device not in ("auto", "cpu"):
            raise MosforgeError(f"--device {device}: the engine fused is for the CPU; choose the engine piq")
        from mosforge.metrics.fused.engine import FusedEngine

        return FusedEngine(scale)
    if name == "piq":
        from mosforge.metrics.piq_engine import PiqEngine

        return PiqEngine(device, scale)
    raise MosforgeError(f"metrics.engine: {name!r} is not an engine; choose one of {', '.join(ENGINES)}")
