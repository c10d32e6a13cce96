"""Bilinear interpolation by precomputed positions, as torch.nn.functional.interpolate defines it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mosforge.metrics.fused.compilation import F32, Bytes, Map, kernel


class Positions(NamedTuple):
    """For each output sample, the input samples on both sides and the second one's weight."""

    before: npt.NDArray[np.intp]
    after: npt.NDArray[np.intp]
    weight: Map


def positions(count: int, source: int, *, align_corners: bool) -> Positions:
    """Positions of `count` output samples among `source` input samples."""
    steps = np.arange(count)
    if align_corners:
        place = steps * ((source - 1) / (count - 1))
    else:
        place = np.maximum((steps + 0.5) * (source / count) - 0.5, 0)
    before = np.minimum(np.floor(place).astype(np.intp), source - 1)
    return Positions(before, np.minimum(before + 1, source - 1), (place - before).astype(np.float32))


@kernel
def resize(planes: Map | Bytes, rows: Positions, columns: Positions, out: Map) -> None:
    """Resizes (3, H, W) planes, uint8 in 0..255, to (3, h, w) in [0, 1].

    The form a + (b - a) * weight keeps constant regions constant to the last bit.
    """
    width = planes.shape[2]
    blend = np.empty(width, np.float32)
    scale = F32(1 / 255)
    for c in range(planes.shape[0]):
        for i in range(out.shape[1]):
            above, below, weight = planes[c, rows.before[i]], planes[c, rows.after[i]], rows.weight[i]
            for j in range(width):
                blend[j] = F32(above[j]) + (F32(below[j]) - F32(above[j])) * weight
            row = out[c, i]
            for j in range(out.shape[2]):
                left = blend[columns.before[j]]
                row[j] = (left + (blend[columns.after[j]] - left) * columns.weight[j]) * scale
