"""The three opponent colour spaces of the metrics, as matrices over RGB in 0..255, and their maps.

The luma weights differ in the fourth digit between the metrics; these are piq's.
"""

import numpy as np

from mosforge.metrics.fused.compilation import F32, Bytes, Map, kernel

YIQ: Map = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], np.float32
)
"""FSIM, and the luma of GMSD (Zhang et al. 2011, eq. 8)."""

LHM: Map = np.array([[0.2989, 0.587, 0.114], [0.3, 0.04, -0.35], [0.34, -0.6, 0.17]], np.float32)
"""MDSI (Nafchi et al. 2016, eq. 2 and 3)."""

LMN: Map = np.array([[0.06, 0.63, 0.27], [0.3, 0.04, -0.35], [0.34, -0.6, 0.17]], np.float32)
"""VSI (Zhang et al. 2014, eq. 10)."""


def bordered(channels: int, shape: tuple[int, int]) -> Map:
    """Zero maps with a border of one pixel, which the 3x3 gradients read and nothing ever writes."""
    return np.zeros((channels, shape[0] + 2, shape[1] + 2), np.float32)


@kernel
def mix(rgb: Map | Bytes, matrix: Map, out: Map) -> None:
    """Matrix times RGB planes (3, h, w), into the inside of bordered maps (C, h + 2, w + 2), C <= 3."""
    _, height, width = rgb.shape
    for c in range(out.shape[0]):
        m0 = matrix[c, 0]
        m1 = matrix[c, 1]
        m2 = matrix[c, 2]
        for i in range(height):
            red, green, blue = rgb[0, i], rgb[1, i], rgb[2, i]
            row = out[c, i + 1, 1:]
            for j in range(width):
                row[j] = m0 * F32(red[j]) + m1 * F32(green[j]) + m2 * F32(blue[j])
