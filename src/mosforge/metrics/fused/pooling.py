"""Average pooling by any factor, with piq's two kinds of border.

Four metrics of piq shrink their images by one factor (`engines.viewing_factor`), but pad them differently
before, so that the windows of one metric are shifted against another's.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mosforge.metrics.fused.compilation import F32, Bytes, Map, inline, kernel

Sums = npt.NDArray[np.float32] | npt.NDArray[np.uint16]
"""Sums of samples; those of bytes, up to 257 of them, are whole numbers, which take half the time."""


class Pooling(NamedTuple):
    """Windows of `factor` x `factor`: output (i, j) averages the input from factor * (i, j) - shift on."""

    factor: int
    shift: int
    replicate: bool
    """Whether the border repeats its nearest pixel; it is 0 otherwise."""
    shape: tuple[int, int]

    def merged(self, height: int, width: int) -> "Pooling":
        """Itself; where the border is never looked at, with one kind of border, so that metrics share it."""
        end = self.shape[0] * self.factor, self.shape[1] * self.factor
        inside = self.shift == 0 and end[0] <= height and end[1] <= width
        return self._replace(replicate=False) if inside else self


@inline
def pool_row(row: Sums, out: Map, factor: int, shift: int, replicate: bool, scale: F32) -> None:
    """Adds up windows of one row: out[j] = scale * the sum of row[factor * j - shift + (0 .. factor - 1)]."""
    width = row.shape[0]
    first = 1 if shift > 0 else 0
    end = min((width + shift) // factor, out.shape[0])
    inner = row[first * factor - shift :]
    target = out[first:end]
    if factor == 1:
        for j in range(end - first):
            target[j] = F32(inner[j]) * scale
    elif factor == 2:
        for j in range(end - first):
            target[j] = F32(inner[2 * j] + inner[2 * j + 1]) * scale
    else:
        for j in range(end - first):
            total = inner[factor * j]
            for k in range(1, factor):
                total += inner[factor * j + k]
            target[j] = F32(total) * scale
    for j in range(out.shape[0]):
        if j < first or j >= end:
            total = F32(0)
            for k in range(factor * j - shift, factor * j - shift + factor):
                if replicate or 0 <= k < width:
                    total += F32(row[min(max(k, 0), width - 1)])
            out[j] = total * scale


def pool(planes: Map | Bytes, out: Map, factor: int, shift: int, replicate: bool) -> None:
    """Average pooling of (C, H, W) planes, uint8 or float32, into (C, h, w); see `Pooling`."""
    width = planes.shape[2]
    sums: Sums = np.empty(width, np.uint16) if planes.dtype == np.uint8 else np.empty(width, np.float32)
    _pool(planes, out, factor, shift, replicate, sums)


@kernel
def _pool(planes: Map | Bytes, out: Map, factor: int, shift: int, replicate: bool, sums: Sums) -> None:
    channels, height, width = planes.shape
    scale = F32(1.0 / (factor * factor))
    for c in range(channels):
        for i in range(out.shape[1]):
            sums[:] = 0
            for k in range(factor * i - shift, factor * i - shift + factor):
                if replicate or 0 <= k < height:
                    row = planes[c, min(max(k, 0), height - 1)]
                    for j in range(width):
                        sums[j] += row[j]
            pool_row(sums, out[c, i], factor, shift, replicate, scale)


@kernel
def centre(samples: Map | Bytes, out: Map) -> None:
    """Samples in 0..255 to [-1/2, 1/2]; both flat."""
    for i in range(samples.shape[0]):
        out[i] = F32(samples[i]) * F32(1 / 255) - F32(0.5)
