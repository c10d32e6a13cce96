"""The palette of an image: the colour cube is cut where that lowers the variance most (Wu, 1991).

DB-CNN's palettes come from MATLAB's `rgb2ind`, which minimises the variance too. Pillow's median cut has a
fifth more error on pristine images, loses small bright objects, and takes twice the time.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from mosforge.core.images import Pixels

Moments = npt.NDArray[np.float64]
"""Counts and sums of red, green and blue, along the first axis. They are whole numbers, so sums are exact."""

_CELLS = 32
_CENTRES = np.arange(_CELLS) * 8 + 4.0
"""Five bits a channel: the middle of each cell."""


class _Box(NamedTuple):
    """A part of the cube, and its best cut: the gain in variance, the axis, and the cell after the cut."""

    ends: tuple[tuple[int, int], ...]
    moments: Moments
    gain: float = 0.0
    axis: int = 0
    cut: int = 0


def variance_palette(pixels: Pixels, colours: int) -> npt.NDArray[np.uint8]:
    """The mean colours of the boxes that the cube is cut into.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        colours: number of boxes; if the image has fewer colours of five bits a channel, there are fewer.

    Returns:
        uint8, shape (colours or fewer, 3).
    """
    lines = _summed(pixels)
    boxes = [_box(lines, ((0, _CELLS),) * 3)]
    while len(boxes) < colours:
        place = max(range(len(boxes)), key=lambda i: boxes[i].gain)
        widest = boxes[place]
        if widest.gain <= 0:
            break
        lower, upper = list(widest.ends), list(widest.ends)
        lower[widest.axis] = (lower[widest.axis][0], widest.cut)
        upper[widest.axis] = (widest.cut, upper[widest.axis][1])
        boxes[place : place + 1] = [_box(lines, tuple(lower)), _box(lines, tuple(upper))]
    sums = np.array([box.moments for box in boxes])
    return np.asarray(np.rint(sums[:, 1:] / sums[:, :1]), dtype=np.uint8)


def _summed(pixels: Pixels) -> list[Moments]:
    """For each axis of the cube, the moments of all cells before (i, j, k), with that axis last.

    Four of these lines make the moments of any box, cell by cell along the axis (Wu's cumulative tables).
    """
    counts = cv2.calcHist([pixels], [0, 1, 2], None, [_CELLS] * 3, [0, 256] * 3).astype(np.float64)
    sums = (counts * _CENTRES[:, None, None], counts * _CENTRES[:, None], counts * _CENTRES)
    table = np.zeros((4, _CELLS + 1, _CELLS + 1, _CELLS + 1))
    table[:, 1:, 1:, 1:] = np.stack([counts, *sums]).cumsum(axis=1).cumsum(axis=2).cumsum(axis=3)
    return [np.moveaxis(table, axis + 1, 3) for axis in range(3)]


def _box(lines: list[Moments], ends: tuple[tuple[int, int], ...]) -> _Box:
    best = _Box(ends, np.zeros(4))
    for axis, table in enumerate(lines):
        (first, last), ((a, b), (c, d)) = ends[axis], ends[:axis] + ends[axis + 1 :]
        along = table[:, :, :, first : last + 1]
        line = along[:, b, d] - along[:, a, d] - along[:, b, c] + along[:, a, c]
        line = line - line[:, :1]
        gains = _gains(line)
        if gains.size and gains.max() > best.gain:
            cut = int(gains.argmax())
            best = best._replace(gain=float(gains[cut]), axis=axis, cut=first + cut + 1)
    return best._replace(moments=line[:, -1])


def _gains(line: Moments) -> npt.NDArray[np.float64]:
    """The decrease of the sum of squared errors by a cut after each cell but the last.

    `line` has the moments of all cells before each cell, shape (4, cells + 1).
    """
    lower, total = line[:, 1:-1], line[:, -1:]
    upper = total - lower
    gains = _between(lower) + _between(upper) - _between(total)
    return np.where((lower[0] > 0) & (upper[0] > 0), gains, 0.0)


def _between(moments: Moments) -> npt.NDArray[np.float64]:
    squares = (moments[1:] ** 2).sum(axis=0)
    return np.asarray(squares / np.maximum(moments[0], 1), dtype=np.float64)
