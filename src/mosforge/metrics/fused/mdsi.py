"""MDSI: Nafchi et al. (2016), Mean Deviation Similarity Index, IEEE Access 4, as piq computes it."""

import math

from mosforge.metrics.fused.compilation import F32, Map, exact, inline, kernel
from mosforge.metrics.fused.gmsd import PREWITT, gradient, squared_length

_C1, _C2, _C3 = F32(140), F32(55), F32(550)
_ALPHA = F32(0.6)
_DIAGONAL = F32(math.sqrt(0.5))


def mdsi(maps: Map, expected: Map, gradients: Map, loss: Map) -> float:
    """0: equal; larger is worse.

    Equal images give exactly 0; piq, whose last step is a fourth root, turns one rounding error of its
    float64 similarity, 1e-17, into up to 1e-4.

    `maps` are L, H and M, bordered, and `gradients` those of the reference image: both derivatives of L and
    the magnitude; `loss` is scratch of their shape.
    """
    has_negative = _losses(maps, expected, gradients, loss)
    return _complex_deviation(loss) if has_negative else _deviation(loss)


@exact
def _losses(maps: Map, expected: Map, gradients: Map, loss: Map) -> bool:
    """Writes u = 1 - GCS of every pixel (eq. 4 to 9); returns whether any GCS is negative.

    Each similarity 1 - (a - b)**2 / (a**2 + b**2 + C) enters by its second term, so u keeps its digits
    near equality. The gradient of the mean image is the mean of the gradients.
    """
    height, width = loss.shape
    negative = 0
    for i in range(height):
        above, here, below = maps[0, i], maps[0, i + 1], maps[0, i + 2]
        h, m = maps[1, i + 1], maps[2, i + 1]
        rh, rm = expected[1, i + 1], expected[2, i + 1]
        rgx, rgy, rg = gradients[0, i], gradients[1, i], gradients[2, i]
        row = loss[i]
        for j in range(width):
            gx, gy = gradient(above, here, below, j, PREWITT)
            a2 = squared_length(gx, gy)
            b = rg[j]
            b2 = b * b
            x, y = (gx + rgx[j]) * F32(0.5), (gy + rgy[j]) * F32(0.5)
            f2 = squared_length(x, y)
            a, f = math.sqrt(a2), math.sqrt(f2)
            ab, af, bf = a - b, a - f, b - f
            ab_base, af_base, bf_base = a2 + b2 + _C1, a2 + f2 + _C2, b2 + f2 + _C2
            dh, dm = h[j + 1] - rh[j + 1], m[j + 1] - rm[j + 1]
            dot = h[j + 1] * rh[j + 1] + m[j + 1] * rm[j + 1]
            chroma = dh * dh + dm * dm
            chroma_base = chroma + F32(2) * dot + _C3
            # The sum of all four quotients over their common denominator: a division costs a dozen products
            structure = (ab * ab * af_base + af * af * ab_base) * bf_base - bf * bf * (ab_base * af_base)
            structure_base = ab_base * af_base * bf_base
            u = _ALPHA * structure * chroma_base + (F32(1) - _ALPHA) * chroma * structure_base
            u /= structure_base * chroma_base
            row[j] = u
            negative += u > F32(1)
    return negative > 0


@kernel
def _deviation(loss: Map) -> float:
    """(mean |z - mean z|)**(1/4) for z = GCS**(1/4) - 1 (eq. 10); overwrites `loss` with z.

    z = -u / ((1 + q)(1 + q**2)), q = GCS**(1/4), which is q - 1 without its cancellation.
    """
    height, width = loss.shape
    total = 0.0
    for i in range(height):
        row = loss[i]
        row_total = F32(0)
        for j in range(width):
            root = math.sqrt(F32(1) - row[j])
            z = -row[j] / ((F32(1) + math.sqrt(root)) * (F32(1) + root))
            row[j] = z
            row_total += z
        total += float(row_total)
    mean = F32(total / (height * width))
    deviation = 0.0
    for i in range(height):
        row = loss[i]
        row_total = F32(0)
        for j in range(width):
            row_total += abs(row[j] - mean)
        deviation += float(row_total)
    return math.pow(deviation / (height * width), 0.25)


@inline
def _fourth_root(u: F32) -> tuple[F32, F32]:
    """The principal fourth root of 1 - u, less 1."""
    root = math.sqrt(abs(F32(1) - u))
    modulus = math.sqrt(root)
    part = modulus * _DIAGONAL
    real = -u / ((F32(1) + modulus) * (F32(1) + root))
    return (part - F32(1), part) if u > F32(1) else (real, F32(0))


@kernel
def _complex_deviation(loss: Map) -> float:
    """The same where some GCS are negative: their fourth roots are complex, |GCS|**(1/4) exp(i pi / 4)."""
    height, width = loss.shape
    real, imaginary = 0.0, 0.0
    for i in range(height):
        row = loss[i]
        row_real, row_imaginary = F32(0), F32(0)
        for j in range(width):
            x, y = _fourth_root(row[j])
            row_real += x
            row_imaginary += y
        real += float(row_real)
        imaginary += float(row_imaginary)
    mean_x, mean_y = F32(real / (height * width)), F32(imaginary / (height * width))
    deviation = 0.0
    for i in range(height):
        row = loss[i]
        row_total = F32(0)
        for j in range(width):
            x, y = _fourth_root(row[j])
            row_total += math.sqrt(squared_length(x - mean_x, y - mean_y))
        deviation += float(row_total)
    return math.pow(deviation / (height * width), 0.25)
