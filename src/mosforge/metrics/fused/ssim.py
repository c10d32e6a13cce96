"""SSIM: Wang et al. (2004), IEEE TIP 13(4), and MS-SSIM: Wang et al. (2003), as piq computes them.

The window is a Gaussian of 11 taps (sigma 1.5), down the columns and then along the rows. Sums of products
over it are x * x and x * y of images centred on 0, so that the variances of flat images lose little to
cancellation.
"""

from collections.abc import Sequence

import numpy as np

from mosforge.metrics.fused.compilation import F32, Map, inline, kernel

SCALES = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
"""The exponents of the five scales of MS-SSIM."""

WINDOW = 11

_C1, _C2 = F32(0.01**2), F32(0.03**2)

Channels = np.ndarray[tuple[int, int], np.dtype[np.float64]]

_weights = np.exp(-((np.arange(WINDOW) - 5.0) ** 2) / (2 * 1.5**2))
G0, G1, G2, G3, G4, G5 = (F32(weight) for weight in _weights[:6] / _weights.sum())


def ssim_and_ms_ssim(
    images: Sequence[Map], expected: Sequence[Map], moments: Sequence[tuple[Map, Map]], ssim_scale: int
) -> tuple[float, float]:
    """SSIM and MS-SSIM, both the mean over the channels, of which luma has one; 1: equal.

    SSIM looks at a pooled image that often is one of the five scales of MS-SSIM, and then comes free.

    Args:
        images: the distorted image at the five scales, and at SSIM's where that is none of them: planes
            (C, H, W) in [-1/2, 1/2].
        expected: the reference image at the same.
        moments: local mean and variance of each of `expected`.
        ssim_scale: at which of them SSIM looks.
    """
    terms = [_similarities(x, y, *local) for x, y, local in zip(images, expected, moments, strict=True)]
    # Contrast and structure at the finer scales, luminance as well at the coarsest; negative means count
    # as 0 (Wang et al. 2003, eq. 7; the rectification is piq's).
    coarsest = len(SCALES) - 1
    of_scales = np.stack([*(term[:, 0] for term in terms[:coarsest]), terms[coarsest][:, 1]])
    multi = np.prod(np.maximum(of_scales, 0) ** SCALES[:, None], axis=0)
    return float(terms[ssim_scale][:, 1].mean()), float(multi.mean())


@inline
def _along(row: Map, j: int) -> F32:
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
def _down(x: Map, y: Map, i: int, mean_x: Map, mean_xx: Map, mean_xy: Map) -> None:
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
    down_x = np.empty(width, np.float32)
    down_xx = np.empty(width, np.float32)
    unused = np.empty(width, np.float32)
    for c in range(channels):
        for i in range(height - WINDOW + 1):
            _down(planes[c], planes[c], i, down_x, down_xx, unused)
            row_mean, row_variance = mean[c, i], variance[c, i]
            for j in range(width - WINDOW + 1):
                m = _along(down_x, j)
                row_mean[j] = m
                row_variance[j] = _along(down_xx, j) - m * m


@kernel
def _similarities(x: Map, y: Map, mean: Map, variance: Map) -> Channels:
    """Mean contrast-structure term and mean SSIM of each channel, (C, 2) (eq. 12 and 13 of 2004)."""
    channels, height, width = x.shape
    rows, columns = height - WINDOW + 1, width - WINDOW + 1
    down_x = np.empty(width, np.float32)
    down_xx = np.empty(width, np.float32)
    down_xy = np.empty(width, np.float32)
    result = np.empty((channels, 2))
    for c in range(channels):
        total_cs, total = 0.0, 0.0
        for i in range(rows):
            _down(x[c], y[c], i, down_x, down_xx, down_xy)
            row_mean, row_variance = mean[c, i], variance[c, i]
            row_cs, row_total = F32(0), F32(0)
            for j in range(columns):
                mx, my = _along(down_x, j), row_mean[j]
                covariance = _along(down_xy, j) - mx * my
                spread = _along(down_xx, j) - mx * mx + row_variance[j]
                ux, uy = mx + F32(0.5), my + F32(0.5)  # the luminance term is about means in [0, 1]
                above, below = F32(2) * covariance + _C2, spread + _C2
                brightness = ux * ux + uy * uy + _C1
                # Both quotients from one division, which costs as much as a dozen products
                scaled = above / (below * brightness)
                row_cs += scaled * brightness
                row_total += scaled * (F32(2) * ux * uy + _C1)
            total_cs += float(row_cs)
            total += float(row_total)
        result[c, 0] = total_cs / (rows * columns)
        result[c, 1] = total / (rows * columns)
    return result
