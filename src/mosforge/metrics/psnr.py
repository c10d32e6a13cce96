"""PSNR beside the six metrics, as tables of full-reference measures report it: that of the luma."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from mosforge.core.images import Pixels
from mosforge.metrics.protocol import Engine, Scores

PSNR = "psnr"


class _Prepared(NamedTuple):
    six: Any
    luma: Pixels


class WithPsnr:
    """An engine whose scores have a seventh column: the PSNR of the luma (BT.601), in dB.

    Where the lumas are equal OpenCV gives 361 dB, which is finite and above all others.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def batch(self, shape: tuple[int, ...]) -> int:
        """As the engine inside."""
        return self._engine.batch(shape)

    def prepare(self, reference: Pixels) -> _Prepared:
        """What the engine inside needs, and the luma of the reference."""
        return _Prepared(self._engine.prepare(reference), _luma(reference))

    def score(self, prepared: Callable[[], _Prepared], pictures: Sequence[Pixels]) -> Scores:
        """The seven scores of each picture, shape (n, 7)."""
        six = self._engine.score(lambda: prepared().six, pictures)
        decibels = [cv2.PSNR(_luma(picture), prepared().luma) for picture in pictures]
        return np.column_stack([six, decibels])


def _luma(picture: Pixels) -> Pixels:
    luma: Pixels = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return luma
