"""Gradients by the 3x3 Scharr and Prewitt operators, over maps with a border of one zero pixel."""

import math

from mosforge.metrics.fused.compilation import F32, Map, exact, inline

PREWITT_SIDE = PREWITT_MIDDLE = F32(1 / 3)
SCHARR_SIDE, SCHARR_MIDDLE = F32(3 / 16), F32(10 / 16)


@inline
def squared_length(x: F32, y: F32) -> F32:
    """x**2 + y**2."""
    return x * x + y * y


@inline
def gradient(above: Map, here: Map, below: Map, j: int, side: F32, middle: F32) -> tuple[F32, F32]:
    """Horizontal and vertical derivative at inner column j of three neighbouring bordered rows."""
    gx = (above[j + 2] - above[j] + below[j + 2] - below[j]) * side + (here[j + 2] - here[j]) * middle
    gy = (below[j] - above[j] + below[j + 2] - above[j + 2]) * side + (below[j + 1] - above[j + 1]) * middle
    return gx, gy


@exact
def gradient_maps(bordered: Map, side: F32, middle: F32, gx: Map, gy: Map, magnitude: Map) -> None:
    """Both derivatives and the gradient magnitude of a bordered map (h + 2, w + 2), each (h, w)."""
    for i in range(magnitude.shape[0]):
        above, here, below = bordered[i], bordered[i + 1], bordered[i + 2]
        row_x, row_y, row = gx[i], gy[i], magnitude[i]
        for j in range(magnitude.shape[1]):
            x, y = gradient(above, here, below, j, side, middle)
            row_x[j] = x
            row_y[j] = y
            row[j] = math.sqrt(squared_length(x, y))
