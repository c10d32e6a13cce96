"""The filter banks, computed in float64 from their equations: log-Gabor wavelets and what they imply.

Frequencies follow piq: for an odd number n of samples they are divided by n - 1, not by n.
"""

import math

import numpy as np

from mosforge.metrics.fused.compilation import Grid

SCALES, ORIENTATIONS = 4, 4


def frequencies(count: int) -> Grid:
    """Cycles a sample in the order of the Fourier transform: 0 first, negative ones last."""
    if count % 2:
        steps = np.arange(-(count - 1) / 2, count / 2) / (count - 1)
    else:
        steps = np.arange(-count / 2, count / 2) / count
    return np.fft.ifftshift(steps)


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


def saliency_band_pass(size: int) -> Grid:
    """VSI's isotropic log-Gabor transfer function: centre 0.021 cycles a pixel, sigma_f 1.34, no corners."""
    steps = frequencies(size)
    radius = np.hypot(steps[:, None], steps[None, :])
    # Beyond the circle piq's radius is 0, and exp(-log(0)**2) is 0.
    inside = (radius <= 0.5) & (radius > 0)
    exponent = -(np.log(np.where(inside, radius, 1) / 0.021) ** 2) / (2 * 1.34**2)
    band_pass: Grid = np.where(inside, np.exp(exponent), 0)
    return band_pass


def central_bias(size: int) -> Grid:
    """VSI's preference for the centre. piq adds 1 to coordinates in -size/2 .. size/2 - 1; sigma 145."""
    steps = np.arange(size) - size / 2 + 1
    return np.exp(-(steps[:, None] ** 2 + steps[None, :] ** 2) / 145.0**2)
