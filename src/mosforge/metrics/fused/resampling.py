"""Inverse Fourier transforms for sizes with large prime factors, where libraries are slow.

OpenCV takes 3 ns a sample at 324x480 and 19 at 321x481 = (3 x 107) x (13 x 37), where this takes 7. The
spectrum is transformed at another size whose factors are 2, 3 and 5, which gives the same periodic function
at other places, and from there it is interpolated at the places that are wanted: the non-uniform transform
of Fessler and Sutton (IEEE TSP 51(2), 2003) with the Kaiser-Bessel window of Jackson et al. (IEEE TMI 10(3),
1991). At 1.17 samples for each frequency and with 10 taps its error is 1e-7 of the strongest response, which
is float32's. A filter that passes only low frequencies needs fewer samples than its response has.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from mosforge.metrics.fused.compilation import F32, Grid, Map, Places, aligned, inline, kernel
from mosforge.metrics.fused.fourier import multiply

TAPS = 10
_SAMPLES = 1.17  # for each frequency

# What a filter passes of a frequency, as a share of its best, may be left out below this: the coarsest of the
# four wavelets then needs two thirds of the samples in each direction.
_NEGLIGIBLE = 2e-5
_WORTHWHILE = 0.9  # that share of the samples, or nothing is left out

# That is, if the image's response is more than what is left out by at least this factor. White noise lies
# above 3,000, natural images above 50,000; stripes of two pixels, with little else in the image, below 300.
_ENOUGH = 1000.0

_ROWS = 96  # that are interpolated before they are turned to columns: they fit in the second-level cache


def _grid_size(frequencies: int) -> int:
    return int(cv2.getOptimalDFTSize(math.ceil(_SAMPLES * frequencies)))


class _Axis:
    """One axis: the frequencies that count, the grid of their transform, and how that is interpolated.

    `passed` is what the filters pass of each frequency, in the order of the Fourier transform.
    """

    def __init__(self, passed: Grid) -> None:
        length = len(passed)
        middle = (length + 1) // 2
        counts = np.flatnonzero(passed >= _NEGLIGIBLE * passed.max())
        positive = int(counts[counts < middle][-1]) + 1
        negative = length - int(counts[counts >= middle][0])
        self.finer = _grid_size(positive + negative)
        if self.finer > _WORTHWHILE * _grid_size(length):
            positive, negative = middle, length - middle
            self.finer = _grid_size(length)
        self.positive = positive
        self.kept = np.r_[:positive, length - negative : length]
        # Beatty, Nishimura and Pauly, IEEE TMI 24(6), 2005, eq. 5
        ratio = self.finer / len(self.kept)
        shape = np.pi * np.sqrt((TAPS / ratio) ** 2 * (ratio - 0.5) ** 2 - 0.8)
        places = np.arange(length) * (self.finer / length)
        first = np.ceil(places - TAPS / 2).astype(np.int64)
        distance = (places - first)[:, None] - np.arange(TAPS)
        window = np.i0(shape * np.sqrt(np.maximum(1 - (2 * distance / TAPS) ** 2, 0)))
        # The window's own transform, which the spectrum is divided by
        frequencies = np.fft.fftfreq(length, 1 / length)[self.kept] / self.finer
        root = np.sqrt(shape**2 - (np.pi * TAPS * frequencies) ** 2)
        transformed = TAPS * np.sinh(root) / root
        self.places: Places = (first[:, None] + np.arange(TAPS)) % self.finer
        self.weights: Map = (window / transformed[0]).astype(np.float32)
        self.correction = transformed[0] / transformed


class Resampling:
    """What the inverse transforms of filtered spectra share: the grid, its interpolation, and the filters.

    `filters` are real transfer functions of like reach, shape (n, h, w).
    """

    def __init__(self, filters: Grid) -> None:
        self.down = _Axis(filters.max(axis=(0, 2)))
        self.across = _Axis(filters.max(axis=(0, 1)))
        scale = np.outer(self.down.correction, self.across.correction) / (filters.shape[1] * filters.shape[2])
        kept = filters[:, self.down.kept[:, None], self.across.kept]
        self.transfers: Map = (kept * scale).astype(np.float32)
        """The filters where they count, with what makes up for the interpolation, normalised."""
        best = filters.max(axis=0)
        self._best = best[self.down.kept[:, None], self.across.kept].astype(np.float32)
        best[self.down.kept[:, None], self.across.kept] = 0
        self._left_out = float(best.max())

    def suffices(self, spectrum: Map, energy: float) -> bool:
        """Whether what the grid leaves out of the responses to a spectrum of that energy does not matter."""
        if self._left_out == 0:
            return True
        response, inside = _energies(_flat(spectrum), self._best, self.down.positive, self.across.positive)
        return response >= (_ENOUGH * self._left_out) ** 2 * (energy - inside)


class ResampledTransforms:
    """Inverse transforms of filtered spectra, but for their last interpolation, in its own buffers.

    There is a grid for each set of filters, all for spectra of the same shape.
    """

    def __init__(self, grids: Sequence[Resampling]) -> None:
        self._grids = grids
        self.places = tuple(grid.across.places for grid in grids)
        self.weights = tuple(grid.across.weights for grid in grids)
        """For `interpolated_row`: each column of a response from rows of what `columns` returns."""
        height = len(grids[0].down.places)
        # Each set of filters overwrites what the one before has left here, so that it stays in the cache.
        self._finer = aligned((max(grid.down.finer * grid.across.finer for grid in grids) * 2,))
        self._rows = aligned((max(grid.across.finer for grid in grids) * _ROWS * 2,))
        self._columns = [aligned((grid.across.finer, height, 2)) for grid in grids]

    def columns(self, spectrum: Map, index: int) -> tuple[Map, ...]:
        """The responses of one filter of each grid, as columns that are still to be interpolated.

        They are those at its places, (its finer width, 2 h) for each grid, and valid until the next call.
        """
        for grid, columns in zip(self._grids, self._columns, strict=True):
            down, across = grid.down, grid.across
            finer = _shaped(self._finer, down.finer, across.finer)
            _pad(_flat(spectrum), grid.transfers[index], down.positive, across.positive, _flat(finer))
            cv2.dft(finer, finer, flags=cv2.DFT_INVERSE)
            for start in range(0, columns.shape[1], _ROWS):
                part = slice(start, start + _ROWS)
                rows = _shaped(self._rows, len(down.places[part]), across.finer)
                # Rows are long and contiguous, so it is along the first axis that sums are quick.
                _interpolate(_flat(finer), down.places[part], down.weights[part], _flat(rows))
                cv2.transpose(rows, columns[:, part])
        return tuple(map(_flat, self._columns))


def _shaped(memory: Map, height: int, width: int) -> Map:
    """The beginning of a flat buffer as pairs, (h, w, 2)."""
    return memory[: height * width * 2].reshape(height, width, 2)


def _flat(pairs: Map) -> Map:
    """Rows of real and imaginary parts in turn: (h, 2 w) of (h, w, 2)."""
    return pairs.reshape(len(pairs), -1)


@kernel
def _pad(spectrum: Map, transfer: Map, rows_before: int, before: int, out: Map) -> None:
    """The product, with its negative frequencies moved to the ends of the other spectrum; 0 between.

    The first `rows_before` rows and `before` columns of `transfer` are the frequencies that are not negative.
    """
    height, width = transfer.shape
    after = width - before
    out[rows_before : out.shape[0] - (height - rows_before)] = 0
    for i in range(height):
        negative = i >= rows_before
        row = out[i + out.shape[0] - height if negative else i]
        source = spectrum[i + spectrum.shape[0] - height if negative else i]
        weight = transfer[i]
        multiply(source, weight[:before], row)
        row[2 * before : row.shape[0] - 2 * after] = 0
        multiply(source[source.shape[0] - 2 * after :], weight[before:], row[row.shape[0] - 2 * after :])


@kernel
def _energies(spectrum: Map, passed: Map, rows_before: int, before: int) -> tuple[float, float]:
    """The energy of a spectrum (h, 2 w) in a band, filtered and as it is; see `_pad` for the band."""
    height, width = passed.shape
    filtered, unfiltered = 0.0, 0.0
    for i in range(height):
        source = spectrum[i if i < rows_before else i + spectrum.shape[0] - height]
        weight = passed[i]
        row_filtered, row_unfiltered = F32(0), F32(0)
        for j in range(width):
            k = j if j < before else j + source.shape[0] // 2 - width
            square = source[2 * k] * source[2 * k] + source[2 * k + 1] * source[2 * k + 1]
            row_unfiltered += square
            row_filtered += square * weight[j] * weight[j]
        filtered += float(row_filtered)
        unfiltered += float(row_unfiltered)
    return filtered, unfiltered


@inline
def interpolated_row(source: Map, row: Places, weight: Map, out: Map) -> None:
    """The sum of ten rows of `source`, each with its weight."""
    r0, r1, r2, r3, r4 = source[row[0]], source[row[1]], source[row[2]], source[row[3]], source[row[4]]
    r5, r6, r7, r8, r9 = source[row[5]], source[row[6]], source[row[7]], source[row[8]], source[row[9]]
    w0, w1, w2, w3, w4 = weight[0], weight[1], weight[2], weight[3], weight[4]
    w5, w6, w7, w8, w9 = weight[5], weight[6], weight[7], weight[8], weight[9]
    for j in range(out.shape[0]):
        total = w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j] + w4 * r4[j]
        total += w5 * r5[j] + w6 * r6[j] + w7 * r7[j] + w8 * r8[j] + w9 * r9[j]
        out[j] = total


@kernel
def _interpolate(source: Map, rows: Places, weights: Map, out: Map) -> None:
    for i in range(weights.shape[0]):
        interpolated_row(source, rows[i], weights[i], out[i])
