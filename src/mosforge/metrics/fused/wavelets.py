"""The responses of FSIM's wavelets to an image, summed up to the local energy of each orientation.

At sizes whose transforms are quick, the responses are written and then summed; elsewhere each of their rows
is interpolated and summed at once, since the traffic to memory would take longer than the arithmetic.
"""

import math

import numpy as np

from mosforge.metrics.fused.compilation import F32, Grid, Map, Places, aligned, inline, kernel
from mosforge.metrics.fused.filters import SCALES
from mosforge.metrics.fused.fourier import Spectrum, filtered
from mosforge.metrics.fused.resampling import ResampledTransforms, Resampling, interpolated_row, is_slow_size

# piq's epsilon is that of its own arithmetic; this is the one of float64, so that weak responses far from
# any structure weigh as they do there.
EPSILON = F32(np.finfo(np.float64).eps)


class WaveletFilters:
    """The wavelets of a bank (orientations, scales, h, w) as transfer functions for float32 maps."""

    def __init__(self, bank: Grid) -> None:
        self.shape = (bank.shape[2], bank.shape[3])
        self.resampled: list[Resampling] | None = None
        """For each scale, where transforms of this size are slow."""
        if is_slow_size(self.shape):
            self.resampled = [Resampling(bank[:, scale]) for scale in range(SCALES)]
        else:
            self.transfers: Map = (bank / (self.shape[0] * self.shape[1])).astype(np.float32)


class Wavelets:
    """Computes local energies, in its own buffers; all its maps are flat, in one order of pixels."""

    def __init__(self, filters: WaveletFilters) -> None:
        self._filters = filters
        height, width = filters.shape
        self.transposed = filters.resampled is not None
        """Whether that order is column by column, (w, h), instead of row by row."""
        if filters.resampled is not None:
            self._transforms = ResampledTransforms(filters.resampled)
            self._buffer = aligned((SCALES, 2 * height))
        else:
            self._responses = aligned((SCALES, height, width, 2))

    def suffice(self, spectrum: Spectrum, energy: float) -> bool:
        """Whether float32 is fine enough for the image's responses; see `Resampling.suffices`."""
        return self._filters.resampled is None or self._transforms.suffice(spectrum, energy)

    def add_orientation(
        self, spectrum: Spectrum, orientation: int, amplitude: Map, energy: Map, finest: Map
    ) -> None:
        """Local energy of one orientation, less the phase deviation, unthresholded (Kovesi 1999, eq. 14).

        Args:
            spectrum: of the image, (h, w, 2).
            orientation: which one.
            amplitude: the sum of the amplitudes is added to it, shape (h * w,).
            energy: written, of that shape as well.
            finest: the squared amplitude at the finest scale, written.
        """
        if self._filters.resampled is not None:
            columns = self._transforms.columns(spectrum, orientation)
            places, weights = self._transforms.places, self._transforms.weights
            _interpolate_and_add(columns, places, weights, self._buffer, amplitude, energy, finest)
            return
        for scale in range(SCALES):
            filtered(spectrum, self._filters.transfers[orientation, scale], self._responses[scale])
        _add(self._responses.reshape(SCALES, -1), amplitude, energy, finest)


@inline
def _add_row(responses: Map, amplitude: Map, energy: Map, finest: Map) -> None:
    """See `add_orientation`; even and odd responses in turn, a row a scale: shape (4, 2 n)."""
    r0, r1, r2, r3 = responses[0], responses[1], responses[2], responses[3]
    for j in range(energy.shape[0]):
        e0, e1, e2, e3 = r0[2 * j], r1[2 * j], r2[2 * j], r3[2 * j]
        o0, o1, o2, o3 = r0[2 * j + 1], r1[2 * j + 1], r2[2 * j + 1], r3[2 * j + 1]
        square = e0 * e0 + o0 * o0
        rest = math.sqrt(e1 * e1 + o1 * o1) + math.sqrt(e2 * e2 + o2 * o2) + math.sqrt(e3 * e3 + o3 * o3)
        even, odd = e0 + e1 + e2 + e3, o0 + o1 + o2 + o3
        total = math.sqrt(even * even + odd * odd)
        across = (
            abs(e0 * odd - o0 * even)
            + abs(e1 * odd - o1 * even)
            + abs(e2 * odd - o2 * even)
            + abs(e3 * odd - o3 * even)
        )
        amplitude[j] += math.sqrt(square) + rest
        energy[j] = total - across / (total + EPSILON)
        finest[j] = square


@kernel
def _add(responses: Map, amplitude: Map, energy: Map, finest: Map) -> None:
    _add_row(responses, amplitude, energy, finest)


@kernel
def _interpolate_and_add(
    columns: tuple[Map, ...],
    places: tuple[Places, ...],
    weights: tuple[Map, ...],
    buffer: Map,
    amplitude: Map,
    energy: Map,
    finest: Map,
) -> None:
    """The same, for each column of the image as soon as its responses are interpolated into `buffer`."""
    height = buffer.shape[1] // 2
    for i in range(weights[0].shape[0]):
        for scale in range(SCALES):
            interpolated_row(columns[scale], places[scale][i], weights[scale][i], buffer[scale])
        here = slice(i * height, (i + 1) * height)
        _add_row(buffer, amplitude[here], energy[here], finest[here])
