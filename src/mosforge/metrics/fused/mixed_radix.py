"""Inverse Fourier transforms for sizes with large prime factors, where libraries are slow.

OpenCV's transform takes 2 ns a sample at 320x480, and 15 ns at 321x481 = (3 x 107) x (13 x 37). This one
takes 10 there: Cooley and Tukey's split n = p x q into plain transforms of length p and q, which are matrix
products over many columns at once.
"""

import math

import numpy as np
import numpy.typing as npt

from mosforge.metrics.fused.compilation import F32, Map, inline, kernel

# Transformed side by side: few enough that OpenBLAS takes no second thread for a product.
_COLUMNS = 32
_FLOATS = 2 * _COLUMNS

Tables = tuple[Map, Map, Map, Map, Map, Map]
"""Cosines and sines of length p, twiddle factors (q, p, 2), cosines and sines of length q, ones."""


def split(length: int) -> tuple[int, int]:
    """The factors p >= q of a length that are nearest to each other."""
    q = next(d for d in range(math.isqrt(length), 0, -1) if length % d == 0)
    return length // q, q


def is_faster_here(shape: tuple[int, int]) -> bool:
    """Whether this transform beats OpenCV's: both lengths awkward, and neither too long for products."""
    return all(_largest_prime(n) > 31 and sum(split(n)) <= 120 for n in shape)


def _largest_prime(n: int) -> int:
    largest, factor = 1, 2
    while n > 1:
        if n % factor:
            factor += 1
        else:
            largest, n = factor, n // factor
    return largest


def _plain_tables(length: int) -> tuple[Map, Map]:
    """Cosines and sines of 2 pi r k / length, a row for each k = 0 .. length // 2, a column for each r >= 1.

    The halves suffice: inputs r and length - r are added and subtracted first, and outputs k and
    length - k share their sums.
    """
    half = length // 2
    angles = 2 * np.pi * np.outer(np.arange(half + 1), np.arange(1, half + 1)) / length
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _tables(length: int) -> Tables:
    p, q = split(length)
    angles = 2 * np.pi * np.outer(np.arange(q), np.arange(p)) / length
    twiddles = np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)
    ones = np.repeat(np.array([[1, 0]], np.float32), q, axis=0)
    return (*_plain_tables(p), twiddles, *_plain_tables(q), ones)


class InverseTransform:
    """Unnormalised inverse transforms of products of spectra, in its own buffers."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._down, self._across = _tables(shape[0]), _tables(shape[1])
        longest = max(shape)
        self._half_done = np.empty((*shape, 2), np.float32)
        self._blocks = np.empty((3, longest, _FLOATS), np.float32)
        self._folded = np.empty((4, longest // 2 + 1, _FLOATS), np.float32)

    def apply(self, spectrum: Map, transfer: Map, response: Map) -> None:
        """Transforms spectrum (h, w, 2) x transfer (h, w) into response (h, w, 2)."""
        height = transfer.shape[0]
        buffers = (self._blocks, self._folded)
        half_done = self._half_done
        _down_columns(
            spectrum.reshape(height, -1), transfer, half_done.reshape(height, -1), self._down, *buffers
        )
        # A complex number moves as one 8-byte word.
        source, target = half_done.view(np.float64)[..., 0], response.view(np.float64)[..., 0]
        _along_rows(source, target, self._across, *buffers)


@kernel
def _down_columns(spectrum: Map, transfer: Map, out: Map, tables: Tables, blocks: Map, folded: Map) -> None:
    height, width = transfer.shape
    block, result = blocks[0], blocks[1]
    for start in range(0, width, _COLUMNS):
        left = min(start, width - _COLUMNS)  # the last block overlaps the one before
        for i in range(height):
            source, weight, row = spectrum[i, 2 * left :], transfer[i, left:], block[i]
            for j in range(_COLUMNS):
                row[2 * j] = source[2 * j] * weight[j]
                row[2 * j + 1] = source[2 * j + 1] * weight[j]
        _transform(block, blocks[2], result, tables, folded)
        for i in range(height):
            out[i, 2 * left : 2 * left + _FLOATS] = result[i]


@kernel
def _along_rows(
    source: npt.NDArray[np.float64],
    out: npt.NDArray[np.float64],
    tables: Tables,
    blocks: Map,
    folded: Map,
) -> None:
    height, width = source.shape
    block, result = blocks[0].view(np.float64), blocks[1].view(np.float64)
    for start in range(0, height, _COLUMNS):
        top = min(start, height - _COLUMNS)
        for i in range(_COLUMNS):
            for j in range(width):
                block[j, i] = source[top + i, j]
        _transform(blocks[0], blocks[2], blocks[1], tables, folded)
        for i in range(_COLUMNS):
            for j in range(width):
                out[top + i, j] = result[j, i]


@kernel
def _transform(block: Map, halfway: Map, result: Map, tables: Tables, folded: Map) -> None:
    """X[c + p d] = sum over b of w_n^(b c) w_q^(b d) (sum over a of x[q a + b] w_p^(a c)), in each column."""
    cosines, sines, twiddles, inner_cosines, inner_sines, ones = tables
    q, p = twiddles.shape[:2]
    for b in range(q):
        _plain(block, b, q, p, cosines, sines, twiddles[b], halfway, b, q, folded)
    for c in range(p):
        _plain(halfway, c * q, 1, q, inner_cosines, inner_sines, ones, result, c, p, folded)


@kernel
def _plain(
    rows: Map,
    first: int,
    step: int,
    n: int,
    cosines: Map,
    sines: Map,
    twiddles: Map,
    out: Map,
    out_first: int,
    out_step: int,
    folded: Map,
) -> None:
    """A plain transform of the n rows first, first + step, ..., each output times its twiddle factor.

    Steps, not strided views: of those the compiler would not know that their rows are contiguous.
    """
    half = n // 2
    sums, differences = folded[0, :half], folded[1, :half]
    for r in range(1, (n + 1) // 2):
        one, other = rows[first + r * step], rows[first + (n - r) * step]
        total, difference = sums[r - 1], differences[r - 1]
        for j in range(_FLOATS):
            total[j] = one[j] + other[j]
            difference[j] = one[j] - other[j]
    if n % 2 == 0:
        sums[half - 1] = rows[first + half * step]
        differences[half - 1] = F32(0)
    even, odd = folded[2, : half + 1], folded[3, : half + 1]
    np.dot(cosines, sums, even)
    np.dot(sines, differences, odd)
    origin = rows[first]
    for k in range(half + 1):
        _combine(origin, even[k], odd[k], F32(1), twiddles[k], out[out_first + k * out_step])
        if k > 0 and 2 * k != n:
            target = out[out_first + (n - k) * out_step]
            _combine(origin, even[k], odd[k], F32(-1), twiddles[n - k], target)


@inline
def _combine(first: Map, even: Map, odd: Map, sign: F32, twiddle: Map, out: Map) -> None:
    """out = (first + even + sign * i * odd) * twiddle, complex numbers side by side."""
    cosine, sine = twiddle[0], twiddle[1]
    for j in range(_COLUMNS):
        real = first[2 * j] + even[2 * j] - sign * odd[2 * j + 1]
        imaginary = first[2 * j + 1] + even[2 * j + 1] + sign * odd[2 * j]
        out[2 * j] = real * cosine - imaginary * sine
        out[2 * j + 1] = real * sine + imaginary * cosine
