"""The responses of FSIM's wavelets to an image, summed up to the local energy of each orientation.

At sizes whose transforms are quick, the responses are written and then summed; elsewhere each of their rows
is interpolated and summed at once, since the traffic to memory would take longer than the arithmetic.
"""

import math

import numpy as np

from mosforge.metrics.fused.compilation import F32, Grid, Map, Places, aligned, kernel
from mosforge.metrics.fused.fourier import Spectrum, filtered, frequencies, is_slow_size
from mosforge.metrics.fused.resampling import ResampledTransforms, Resampling, interpolated_row

SCALES, ORIENTATIONS = 4, 4

# piq's epsilon is that of its own arithmetic; this is the one of float64, so that weak responses far from
# any structure weigh as they do there.
EPSILON = F32(np.finfo(np.float64).eps)


def log_gabor_bank(shape: tuple[int, int]) -> Grid:
    """FSIM's transfer functions, shape (orientations, scales, h, w), peak about 1.

    Wavelengths 6, 12, 24 and 48 pixels, sigma_f 0.55, an angular Gaussian of pi / (4 * 1.2), and a
    Butterworth low-pass (cut-off 0.45, order 15) that removes the corners (Kovesi's phasecong2).
    """
    down, across = frequencies(shape[0])[:, None], frequencies(shape[1])[None, :]
    radius = np.hypot(down, across)
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1  # any value whose logarithm exists: the filters are 0 there
    angle = np.arctan2(-across, down)
    radial = np.empty((SCALES, *shape))
    for scale in range(SCALES):
        centre = 1 / (6 * 2**scale)
        radial[scale] = low_pass * np.exp(-(np.log(radius / centre) ** 2) / (2 * math.log(0.55) ** 2))
    radial[:, 0, 0] = 0
    angular = np.empty((ORIENTATIONS, *shape))
    for orientation in range(ORIENTATIONS):
        distance = angle - orientation * math.pi / ORIENTATIONS
        distance = np.abs((distance + math.pi) % (2 * math.pi) - math.pi)
        angular[orientation] = np.exp(-(distance**2) / (2 * (math.pi / (ORIENTATIONS * 1.2)) ** 2))
    return angular[:, None] * radial[None]


def noise_thresholds(bank: Grid) -> Grid:
    """For each orientation, the noise threshold as a multiple of the median amplitude at the finest scale.

    Kovesi's estimate: the energy of noise is Rayleigh distributed; the threshold lies 2 standard deviations
    above its mean, divided by 1.7. The expected squared energy of unit noise is the sum of the squares of
    the summed even filters, which Parseval's equation gives without a transform.
    """
    mirrored = np.roll(bank[:, :, ::-1, ::-1], (1, 1), axis=(2, 3))
    even = (bank + mirrored).sum(axis=1) / 2
    response = (even**2).sum(axis=(1, 2))
    finest = (bank[:, 0] ** 2).sum(axis=(1, 2))
    tau = np.sqrt(response / finest / math.log(2))
    thresholds: Grid = tau * (math.sqrt(math.pi / 2) + 2 * math.sqrt(2 - math.pi / 2)) / 1.7
    return thresholds


class WaveletFilters:
    """The wavelets as transfer functions for float32 maps of one shape, and the noise thresholds."""

    def __init__(self, shape: tuple[int, int]) -> None:
        bank = log_gabor_bank(shape)
        self.shape = shape
        self.thresholds = noise_thresholds(bank)
        self.resampled: list[Resampling] | None = None
        """For each scale, where transforms of this size are slow."""
        if is_slow_size(shape):
            self.resampled = [Resampling(bank[:, scale]) for scale in range(SCALES)]
        else:
            self.transfers: Map = (bank / (shape[0] * shape[1])).astype(np.float32)


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
        return all(grid.suffices(spectrum, energy) for grid in self._filters.resampled or ())

    def add_orientation(
        self, spectrum: Spectrum, orientation: int, amplitude: Map, energy: Map, finest: Map
    ) -> None:
        """Local energy of one orientation, less the phase deviation, unthresholded (Kovesi 1999, eq. 14).

        It is written to `energy`, and the squared amplitude at the finest scale to `finest`; the sum of the
        amplitudes is added to `amplitude`.
        """
        if self._filters.resampled is not None:
            columns = self._transforms.columns(spectrum, orientation)
            places, weights = self._transforms.places, self._transforms.weights
            _interpolate_and_add(columns, places, weights, self._buffer, amplitude, energy, finest)
        else:
            for scale in range(SCALES):
                filtered(spectrum, self._filters.transfers[orientation, scale], self._responses[scale])
            _add(self._responses.reshape(SCALES, -1), amplitude, energy, finest)


@kernel
def _add(responses: Map, amplitude: Map, energy: Map, finest: Map) -> None:
    """See `add_orientation`; even and odd responses in turn, a row a scale: shape (4, 2 n)."""
    r0, r1, r2, r3 = responses[0], responses[1], responses[2], responses[3]
    for j in range(energy.shape[0]):
        e0, e1, e2, e3 = r0[2 * j], r1[2 * j], r2[2 * j], r3[2 * j]
        o0, o1, o2, o3 = r0[2 * j + 1], r1[2 * j + 1], r2[2 * j + 1], r3[2 * j + 1]
        square = e0 * e0 + o0 * o0
        rest = math.sqrt(e1 * e1 + o1 * o1) + math.sqrt(e2 * e2 + o2 * o2) + math.sqrt(e3 * e3 + o3 * o3)
        even, odd = e0 + e1 + e2 + e3, o0 + o1 + o2 + o3
        total = math.sqrt(even * even + odd * odd)
        across = abs(e0 * odd - o0 * even) + abs(e1 * odd - o1 * even)
        across = across + abs(e2 * odd - o2 * even) + abs(e3 * odd - o3 * even)
        amplitude[j] += math.sqrt(square) + rest
        energy[j] = total - across / (total + EPSILON)
        finest[j] = square


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
        _add(buffer, amplitude[here], energy[here], finest[here])
