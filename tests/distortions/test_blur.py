"""Blur against scipy's correlation with kernels that are written down here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.blur import (
    defocus,
    disc_kernel,
    gaussian_blur,
    gaussian_lowpass,
    lens_blur,
    motion_blur,
    motion_kernel,
)


def scipy_gaussian(pixels: Pixels, size: int, sigma: float) -> np.ndarray:
    """Separable sum over the stated kernel in float64; scipy's `reflect` repeats the edge pixel."""
    x = np.arange(size) - (size - 1) / 2
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    kernel /= kernel.sum()
    rows = ndimage.correlate1d(pixels.astype(np.float64), kernel, axis=0, mode="reflect")
    return ndimage.correlate1d(rows, kernel, axis=1, mode="reflect")


@pytest.mark.parametrize("size", [7, 15, 39, 63, 65, 91, 199])
def test_gaussian_blur_is_the_stated_kernel(chelsea: Pixels, size: int) -> None:
    expected = scipy_gaussian(chelsea, size, size / 6)
    blurred = gaussian_blur(chelsea, size)
    assert blurred.dtype == np.uint8
    assert np.abs(blurred - expected).max() < 0.51  # rounding, and float32


def test_a_kernel_wider_than_the_image_reflects_several_times() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (61, 45, 3), dtype=np.uint8)
    assert np.abs(gaussian_blur(pixels, 199) - scipy_gaussian(pixels, 199, 199 / 6)).max() < 0.51


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0, 12.5])
def test_defocus_is_a_gaussian_of_sigma_cut_at_three_sigma(coffee: Pixels, sigma: float) -> None:
    size = 2 * int(np.ceil(3 * sigma)) + 1
    assert np.abs(defocus(coffee, sigma) - scipy_gaussian(coffee, size, sigma)).max() < 0.51


@pytest.mark.parametrize("size", [0, 8, 7.5, -3, float("nan"), "7", True, 100_001])
def test_gaussian_blur_refuses_other_sizes(coffee: Pixels, size: object) -> None:
    with pytest.raises(MosforgeError, match="size of a Gaussian kernel"):
        gaussian_blur(coffee, size)  # type: ignore[arg-type]


@given(length=st.floats(1, 60), angle=st.floats(0, 180))
def test_motion_kernel_is_a_line(length: float, angle: float) -> None:
    kernel = motion_kernel(length, angle)
    assert kernel.sum() == pytest.approx(1)
    assert kernel.min() >= 0
    assert np.allclose(kernel, kernel[::-1, ::-1])  # a motion to and fro is the same
    radius = kernel.shape[0] // 2
    y, x = np.mgrid[radius : -radius - 1 : -1, -radius : radius + 1]
    direction = np.radians(angle)
    across = np.abs(y * np.cos(direction) - x * np.sin(direction))
    assert kernel[across >= 1].sum() == 0


@pytest.mark.parametrize(("angle", "axis"), [(0, 1), (90, 0)])
def test_motion_along_an_axis_is_a_box(angle: float, axis: int) -> None:
    kernel = motion_kernel(9, angle)
    expected = np.zeros((9, 9))
    expected[(4, slice(None)) if axis == 1 else (slice(None), 4)] = 1 / 9
    assert np.allclose(kernel, expected)


def test_motion_at_45_degrees_rises_to_the_right() -> None:
    kernel = motion_kernel(11, 45)
    radius = kernel.shape[0] // 2
    assert kernel[radius - 2, radius + 2] > 0.05  # up and right of the middle
    assert kernel[radius + 2, radius + 2] == 0


def test_motion_blur_uses_the_kernel_and_a_random_angle(coffee: Pixels) -> None:
    angle = np.random.default_rng(5).uniform(0, 180)
    kernel = motion_kernel(15, angle)
    blurred = motion_blur(coffee, 15, np.random.default_rng(5))
    for channel in range(3):
        expected = ndimage.correlate(coffee[:, :, channel].astype(float), kernel, mode="reflect")
        assert np.abs(blurred[:, :, channel] - expected).max() < 0.51
    assert not np.array_equal(blurred, motion_blur(coffee, 15, np.random.default_rng(6)))


@pytest.mark.parametrize("sigma", [0.5, 1, 5])
def test_gaussian_lowpass_is_cut_at_two_sigma(coffee: Pixels, sigma: float) -> None:
    exact = coffee.astype(float)
    for axis in (0, 1):
        radius = int(np.ceil(2 * sigma))
        exact = ndimage.gaussian_filter1d(exact, sigma, axis=axis, mode="reflect", radius=radius)
    assert np.abs(gaussian_lowpass(coffee, sigma) - exact).max() < 0.51


def test_the_disc_of_radius_one_has_its_known_shares() -> None:
    corner = (np.pi / 3 - np.sqrt(3) + 1) / 4  # of a circle about the origin within [.5, 1.5] squared
    side = (np.pi - 1 - 4 * corner) / 4
    expected = np.array([[corner, side, corner], [side, 1, side], [corner, side, corner]]) / np.pi
    assert disc_kernel(1) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("radius", [2, 8])
def test_lens_blur_is_the_mean_over_a_disc(coffee: Pixels, radius: int) -> None:
    fine = np.arange(-(radius + 0.5), radius + 0.5, 1 / 40) + 1 / 80
    disc = np.hypot(*np.meshgrid(fine, fine)) < radius
    kernel = disc.reshape(2 * radius + 1, 40, 2 * radius + 1, 40).mean(axis=(1, 3))
    small = coffee[:80, :100]
    for channel in range(3):
        exact = ndimage.correlate(small[:, :, channel].astype(float), kernel / kernel.sum(), mode="reflect")
        assert np.abs(lens_blur(small, radius)[:, :, channel] - exact).max() < 0.6
