"""The 11-tap Gaussian window of SSIM (sigma 1.5), down the columns and then along the rows.

Sums of products over the window are x * x and x * y of images centred on 0, so that the variances of flat
images lose little to cancellation.
"""

import numpy as np

from mosforge.metrics.fused.compilation import F32, Map, inline, kernel

WINDOW = 11

_weights = np.exp(-((np.arange(WINDOW) - 5.0) ** 2) / (2 * 1.5**2))
G0, G1, G2, G3, G4, G5 = (F32(weight) for weight in _weights[:6] / _weights.sum())


@inline
def along(row: Map, j: int) -> F32:
    """The window's weighted mean of row[j .. j + 10]."""
    mean: F32 = (
        G0 * (row[j] + row[j + 10])
        + G1 * (row[j + 1] + row[j + 9])
        + G2 * (row[j + 2] + row[j + 8])
        + G3 * (row[j + 3] + row[j + 7])
        + G4 * (row[j + 4] + row[j + 6])
        + G5 * row[j + 5]
    )
    return mean


@inline
def _tap(weight: F32, x: F32, y: F32, sums: tuple[F32, F32, F32]) -> tuple[F32, F32, F32]:
    weighted = weight * x
    return sums[0] + weighted, sums[1] + weighted * x, sums[2] + weighted * y


@inline
def down(x: Map, y: Map, i: int, mean_x: Map, mean_xx: Map, mean_xy: Map) -> None:
    """The window's weighted means of x, x * x and x * y over rows i .. i + 10, for each column."""
    # Rows by name, not a loop over them: it is what keeps the sums in registers.
    x0, x1, x2, x3, x4, x5 = x[i], x[i + 1], x[i + 2], x[i + 3], x[i + 4], x[i + 5]
    x6, x7, x8, x9, x10 = x[i + 6], x[i + 7], x[i + 8], x[i + 9], x[i + 10]
    y0, y1, y2, y3, y4, y5 = y[i], y[i + 1], y[i + 2], y[i + 3], y[i + 4], y[i + 5]
    y6, y7, y8, y9, y10 = y[i + 6], y[i + 7], y[i + 8], y[i + 9], y[i + 10]
    for j in range(x.shape[1]):
        sums = (F32(0), F32(0), F32(0))
        sums = _tap(G0, x0[j], y0[j], sums)
        sums = _tap(G1, x1[j], y1[j], sums)
        sums = _tap(G2, x2[j], y2[j], sums)
        sums = _tap(G3, x3[j], y3[j], sums)
        sums = _tap(G4, x4[j], y4[j], sums)
        sums = _tap(G5, x5[j], y5[j], sums)
        sums = _tap(G4, x6[j], y6[j], sums)
        sums = _tap(G3, x7[j], y7[j], sums)
        sums = _tap(G2, x8[j], y8[j], sums)
        sums = _tap(G1, x9[j], y9[j], sums)
        sums = _tap(G0, x10[j], y10[j], sums)
        mean_x[j], mean_xx[j], mean_xy[j] = sums


@kernel
def moments(planes: Map, mean: Map, variance: Map) -> None:
    """Local mean and variance of (C, H, W) planes, each (C, H - 10, W - 10)."""
    channels, height, width = planes.shape
    down_x, down_xx, unused = (
        np.empty(width, np.float32),
        np.empty(width, np.float32),
        np.empty(width, np.float32),
    )
    for c in range(channels):
        for i in range(height - WINDOW + 1):
            down(planes[c], planes[c], i, down_x, down_xx, unused)
            row_mean, row_variance = mean[c, i], variance[c, i]
            for j in range(width - WINDOW + 1):
                m = along(down_x, j)
                row_mean[j] = m
                row_variance[j] = along(down_xx, j) - m * m
