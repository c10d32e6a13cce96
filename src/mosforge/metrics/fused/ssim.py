"""SSIM: Wang et al. (2004), IEEE TIP 13(4), and MS-SSIM: Wang et al. (2003), as piq computes them."""

import numpy as np

from mosforge.metrics.fused.compilation import F32, Map, kernel
from mosforge.metrics.fused.features import Features, Reference
from mosforge.metrics.fused.gaussian import WINDOW, along, down

_C1, _C2 = F32(0.01**2), F32(0.03**2)
_SCALES = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # exponents of the five scales

Channels = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def ssim_and_ms_ssim(reference: Reference, distorted: Features) -> tuple[float, float]:
    """SSIM and MS-SSIM, both the mean over the three channels; 1: equal.

    SSIM looks at a pooled image that often is one of the five scales of MS-SSIM, and then comes free.
    """
    geometry = distorted.geometry
    scales = [
        _compare(distorted.pyramid[k], reference.features.pyramid[k], *reference.moments[k])
        for k in range(len(geometry.pyramid))
    ]
    if geometry.ssim_scale is None:
        single = _compare(distorted.ssim_planes, reference.features.ssim_planes, *reference.ssim_moments)
    else:
        single = scales[geometry.ssim_scale]
    # Contrast and structure at the finer scales, luminance as well at the coarsest; negative means count
    # as 0 (Wang et al. 2003, eq. 7; the rectification is piq's).
    terms = np.stack([*(scale[:, 0] for scale in scales[:-1]), scales[-1][:, 1]])
    multi = np.prod(np.maximum(terms, 0) ** _SCALES[:, None], axis=0)
    return float(single[:, 1].mean()), float(multi.mean())


def _compare(x: Map, y: Map, mean: Map, variance: Map) -> Channels:
    result: Channels = np.empty((x.shape[0], 2))
    _similarities(x, y, mean, variance, result)
    return result


@kernel
def _similarities(x: Map, y: Map, mean: Map, variance: Map, result: Channels) -> None:
    """Mean contrast-structure term and mean SSIM of each channel (eq. 12 and 13 of 2004).

    Args:
        x: distorted planes, shape (C, H, W), samples in [-1/2, 1/2].
        y: the reference's.
        mean: local means of `y`, shape (C, H - 10, W - 10).
        variance: local variances of `y`.
        result: shape (C, 2), written.
    """
    channels, height, width = x.shape
    rows, columns = height - WINDOW + 1, width - WINDOW + 1
    down_x = np.empty(width, np.float32)
    down_xx = np.empty(width, np.float32)
    down_xy = np.empty(width, np.float32)
    half = F32(0.5)
    for c in range(channels):
        total_cs, total = 0.0, 0.0
        for i in range(rows):
            down(x[c], y[c], i, down_x, down_xx, down_xy)
            row_mean, row_variance = mean[c, i], variance[c, i]
            row_cs, row_total = F32(0), F32(0)
            for j in range(columns):
                mx, my = along(down_x, j), row_mean[j]
                covariance = along(down_xy, j) - mx * my
                spread = along(down_xx, j) - mx * mx + row_variance[j]
                ux, uy = mx + half, my + half  # the luminance term is about means in [0, 1]
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
