"""Noise against its stated variance and spectrum."""

import numpy as np
import pytest
from skimage import color

from mosforge.core.images import Pixels
from mosforge.distortions.noise import (
    denoised,
    gaussian_noise,
    impulse_noise,
    multiplicative_noise,
    pink_field,
    pink_noise,
    white_noise,
    ycbcr_noise,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


GREY = np.full((400, 500, 3), 128, dtype=np.uint8)


@pytest.mark.parametrize("log2_variance", [-10, -7.5])
def test_white_noise_has_the_stated_variance(log2_variance: float) -> None:
    # at these levels 128 +- 5 sigma stays within [0, 255]; rounding adds 1/12
    noise = white_noise(GREY, log2_variance, np.random.default_rng(3)) - 128.0
    expected = 255**2 * 2**log2_variance + 1 / 12
    for channel in range(3):
        assert noise[:, :, channel].var() == pytest.approx(expected, rel=0.02)
        assert abs(noise[:, :, channel].mean()) < 4 * np.sqrt(expected / noise[:, :, channel].size)


def test_white_noise_is_gaussian_and_independent_in_space_and_channels() -> None:
    noise = white_noise(GREY, -7.5, np.random.default_rng(4)) - 128.0
    standard = noise / noise.std()
    assert (standard**4).mean() == pytest.approx(3, abs=0.06)
    flat = standard.reshape(-1, 3)
    assert np.abs(np.corrcoef(flat, rowvar=False) - np.eye(3)).max() < 0.01
    assert abs((standard[:, 1:] * standard[:, :-1]).mean()) < 0.01
    assert abs((standard[1:] * standard[:-1]).mean()) < 0.01


def test_white_noise_of_variance_one_clips_half_of_a_mid_grey() -> None:
    # sigma 255 about 128: P(> 255) = P(z > .5) = .3085 and as much below
    noise = white_noise(GREY, 0, np.random.default_rng(5))
    assert (noise == 255).mean() == pytest.approx(0.309, abs=0.005)
    assert (noise == 0).mean() == pytest.approx(0.309, abs=0.005)


def radial_slope(field: np.ndarray) -> float:
    """Exponent of the amplitude spectrum against the spatial frequency."""
    power = np.abs(np.fft.fft2(field)) ** 2
    ky, kx = np.meshgrid(*(np.fft.fftfreq(side, 1 / side) for side in field.shape), indexing="ij")
    radius = np.rint(np.hypot(kx, ky)).astype(int)
    frequencies = np.arange(4, min(field.shape) // 3)
    mean = [power[radius == k].mean() for k in frequencies]
    return float(np.polyfit(np.log(frequencies), 0.5 * np.log(mean), 1)[0])


def test_pink_field_falls_as_one_over_f() -> None:
    fields = pink_field(np.random.default_rng(6))
    assert fields.shape == (3, 512, 512)
    assert np.abs(fields).max(axis=(1, 2)) == pytest.approx(1)
    assert np.abs(fields.mean(axis=(1, 2))).max() < 1e-6  # no DC
    for field in fields:
        assert radial_slope(field.astype(float)) == pytest.approx(-1, abs=0.03)


def test_pink_field_has_the_distribution_of_a_filtered_white_field() -> None:
    # The definition: a white field, its whole transform times 1/f, transformed back. Single frequencies
    # of the half plane's edges (kx = 0, 256) and inside must have the same mean power as there.
    rng = np.random.default_rng(7)
    ky, kx = np.meshgrid(np.fft.fftfreq(512, 1 / 512), np.fft.fftfreq(512, 1 / 512), indexing="ij")
    radius = np.hypot(kx, ky)
    radius[0, 0] = np.inf
    white = np.fft.fft2(rng.standard_normal((512, 512))) / radius
    places = [
        (slice(20, 200), 0),
        (slice(20, 200), 256),
        (slice(20, 200), slice(20, 200)),
        (0, slice(20, 200)),
    ]

    def shares(spectrum: np.ndarray) -> np.ndarray:
        whitened = np.abs(spectrum * np.where(np.isinf(radius), 0, radius)) ** 2
        return np.array([whitened[place].mean() for place in places]) / whitened.mean()

    made = np.mean(
        [
            shares(np.fft.fft2(field))
            for seed in range(4)
            for field in pink_field(np.random.default_rng(seed))
        ],
        axis=0,
    )
    assert shares(white) == pytest.approx(np.ones(4), abs=0.3)
    assert made == pytest.approx(np.ones(4), abs=0.1)


def test_pink_noise_adds_the_weighted_field() -> None:
    grey = np.full((512, 512, 3), 128, dtype=np.uint8)
    field = pink_field(np.random.default_rng(8)).transpose(1, 2, 0)
    expected = np.clip(np.floor(128 + field.astype(float) * 255 * 0.3), 0, 255)
    noisy = pink_noise(grey, 0.3, np.random.default_rng(8))
    assert (noisy == expected).mean() > 0.9999  # float32 may floor a whole number the other way
    assert np.abs(noisy - expected).max() <= 1


def test_pink_noise_follows_the_shape_of_the_image() -> None:
    tall = np.full((320, 190, 3), 128, dtype=np.uint8)
    noise = pink_noise(tall, 0.3, np.random.default_rng(9)) - 128.0
    assert noise.shape == tall.shape
    square = pink_field(np.random.default_rng(9))[0]
    low = np.fft.fft2(noise[:, :, 0])[3, 2] / tall[:, :, 0].size
    assert abs(low - np.fft.fft2(square)[3, 2] / square.size * 255 * 0.3) < 0.15  # the same wave, resized


def test_noise_has_the_stated_variance() -> None:
    noise = gaussian_noise(GREY, 0.002, rng(3)) / 255 - 128 / 255
    assert noise.var() == pytest.approx(0.002 + 1 / 12 / 255**2, rel=0.02)
    ycbcr = color.rgb2ycbcr(ycbcr_noise(GREY, 0.001, rng(4))) / 255
    plain = color.rgb2ycbcr(GREY[:1, :1]) / 255
    assert (ycbcr - plain).var(axis=(0, 1)) == pytest.approx(0.001, rel=0.03)
    assert np.abs(np.corrcoef((ycbcr - plain).reshape(-1, 3), rowvar=False) - np.eye(3)).max() < 0.02


def test_impulses_have_the_stated_density() -> None:
    noisy = impulse_noise(GREY, 0.02, rng(5))
    assert set(np.unique(noisy)) == {0, 128, 255}
    assert (noisy == 0).mean() == pytest.approx(0.01, rel=0.1)
    assert (noisy == 255).mean() == pytest.approx(0.01, rel=0.1)
    assert ((noisy != 128).all(axis=2)).mean() < 0.001  # each channel is hit by itself


def test_multiplicative_noise_grows_with_the_sample_and_is_uniform() -> None:
    for level in (60, 180):
        noise = multiplicative_noise(np.full_like(GREY, level), 0.01, rng(6)) / level - 1
        assert noise.std() == pytest.approx(0.1, rel=0.02)
        assert (noise**4).mean() / noise.var() ** 2 == pytest.approx(1.8, abs=0.05)  # of a uniform one


def test_denoised_is_nearer_to_the_image_than_the_noise(coffee: Pixels) -> None:
    small = np.ascontiguousarray(coffee[:180, :200])
    for variance in (0.01, 0.05):
        noisy = gaussian_noise(small, variance, rng(7))
        made = denoised(small, variance, rng(7))
        error, before = ((image - small.astype(float)) ** 2 for image in (made, noisy))
        assert error.mean() < 0.5 * before.mean()
        assert error.mean() > 20  # and is not the image itself
