"""Contrast, exposure, palette and colour fringes against NumPy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage
from skimage.metrics import mean_squared_error
from skimage.registration import phase_cross_correlation

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.authentic import TYPES as AUTHENTIC
from mosforge.distortions.colour import chromatic_aberration, color_dither, shift_plane
from mosforge.distortions.kadid25 import TYPES as KADID25
from mosforge.distortions.palette import variance_palette
from mosforge.distortions.synthetic import TYPES as SYNTHETIC
from mosforge.distortions.tone import contrast_factor, contrast_range, overexposure, underexposure

pictures = hnp.arrays(np.uint8, st.tuples(st.integers(4, 20), st.integers(4, 20), st.just(3)))


@given(pixels=pictures, limits=st.sampled_from([(0.2, 0.8), (0.49, 0.51), (0.0, 1.0)]))
def test_contrast_range_maps_the_percentiles(pixels: Pixels, limits: tuple[float, float]) -> None:
    first, last = np.percentile(pixels, [1, 99], axis=(0, 1))
    low, high = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        stretched = np.clip((pixels - first) / (last - first), 0, 1)
    stretched = np.where(last > first, stretched, pixels / 255)
    exact = (low + stretched * (high - low)) * 255
    assert np.abs(contrast_range(pixels, limits) - exact).max() <= 0.5 + 1e-9


@given(pixels=pictures, amount=st.floats(0, 1))
def test_exposure_adds_and_clips(pixels: Pixels, amount: float) -> None:
    brighter = np.clip(pixels / 255 + amount, 0, 1) * 255
    darker = np.clip(pixels / 255 - amount, 0, 1) * 255
    assert np.abs(overexposure(pixels, amount) - brighter).max() <= 0.5 + 1e-9
    assert np.abs(underexposure(pixels, amount) - darker).max() <= 0.5 + 1e-9


@given(pixels=pictures, factor=st.floats(0, 1))
def test_contrast_factor_shrinks_about_mid_grey(pixels: Pixels, factor: float) -> None:
    assert np.abs(contrast_factor(pixels, factor) - (127.5 + (pixels - 127.5) * factor)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("limits", [0.5, (0.8, 0.2), (0.2,), (-0.1, 0.5), (0.2, 1.2), ("a", 1)])
def test_contrast_range_refuses_what_is_no_range(coffee: Pixels, limits: object) -> None:
    with pytest.raises(MosforgeError, match="range of contrast"):
        contrast_range(coffee, limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("colours", [64, 32, 16, 8, 4])
def test_dither_uses_the_whole_palette_and_no_more(coffee: Pixels, chelsea: Pixels, colours: int) -> None:
    for pixels in (coffee, chelsea):
        used = np.unique(color_dither(pixels, colours).astype(int) @ [65536, 256, 1])
        assert 0.9 * colours <= len(used) <= colours


def test_dither_diffuses_the_error(coffee: Pixels) -> None:
    dithered = color_dither(coffee, 8)
    palette = np.unique(dithered.reshape(-1, 3), axis=0).astype(float)
    distances = ((coffee[:, :, None, :].astype(float) - palette) ** 2).sum(axis=-1)
    nearest = palette[distances.argmin(axis=-1)]

    def smooth(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values.astype(float), (3, 3, 0))

    # pixel by pixel the dither is the worse of the two, over a neighbourhood the better
    assert mean_squared_error(dithered.astype(float), coffee) > mean_squared_error(nearest, coffee)
    assert mean_squared_error(smooth(dithered), smooth(coffee)) < 0.7 * mean_squared_error(
        smooth(nearest), smooth(coffee)
    )


def test_the_palette_beats_median_cut(coffee: Pixels, chelsea: Pixels) -> None:
    for pixels in (coffee[::2, ::2], chelsea[::2, ::2]):
        for colours in (64, 16, 4):
            entries = variance_palette(pixels, colours).astype(float)
            assert len(entries) == colours
            nearest = ((pixels[:, :, None].astype(float) - entries) ** 2).sum(axis=-1).min(axis=-1)
            median_cut = np.asarray(Image.fromarray(pixels).quantize(colours, method=0).convert("RGB"))
            assert nearest.mean() < ((pixels - median_cut.astype(float)) ** 2).sum(axis=-1).mean()


def test_the_palette_of_three_clear_colours_is_these() -> None:
    colours = np.array([[4, 4, 4], [252, 20, 20], [60, 196, 84]], dtype=np.uint8)
    pixels = colours[np.random.default_rng(2).integers(0, 3, (20, 30))]
    assert {*map(tuple, variance_palette(pixels, 8))} == {*map(tuple, colours)}
    assert np.array_equal(color_dither(pixels, 8), pixels)


@pytest.mark.parametrize("colours", [1, 257, 3.5])
def test_dither_refuses_other_palettes(coffee: Pixels, colours: float) -> None:
    with pytest.raises(MosforgeError, match="number of colours"):
        color_dither(coffee, colours)


@pytest.mark.parametrize("shift", [1.0, 2.5, 5.0])
def test_aberration_shifts_red_and_blue_apart(coffee: Pixels, shift: float) -> None:
    grey = np.repeat(coffee[:256, :256, 1:2], 3, axis=2)  # equal planes, so that only the shift differs
    angle = np.random.default_rng(11).uniform(0, 2 * np.pi)
    expected = shift * np.array([np.sin(angle), np.cos(angle)])
    fringed = chromatic_aberration(grey, shift, np.random.default_rng(11))
    assert np.array_equal(fringed[:, :, 1], grey[:, :, 1])
    window = np.outer(np.hanning(256), np.hanning(256))
    green = fringed[:, :, 1] * window
    for channel, sign in ((0, 1), (2, -1)):
        # phase correlation gives the shift that takes the plane back
        back, _, _ = phase_cross_correlation(
            green, fringed[:, :, channel] * window, upsample_factor=50, normalization=None
        )
        assert -back == pytest.approx(sign * expected, abs=0.15)


def test_shift_plane_by_whole_pixels_is_a_move() -> None:
    plane = np.random.default_rng(12).integers(0, 256, (40, 50), dtype=np.uint8)
    moved = shift_plane(plane, 3, -2)
    assert np.array_equal(moved[:-2, 3:], plane[2:, :-3])


def test_shift_plane_by_a_fraction_is_exact_on_a_parabola() -> None:
    # cubic convolution reproduces polynomials of the second degree
    x = np.arange(60.0)
    plane = np.tile(np.rint(0.05 * x**2 + 10), (30, 1)).astype(np.uint8)
    moved = shift_plane(plane, 0.3, 0)
    assert np.abs(moved[:, 5:-5] - (0.05 * (x - 0.3) ** 2 + 10)[5:-5]).max() < 1.2


@pytest.mark.parametrize("table", [SYNTHETIC, AUTHENTIC, KADID25])
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((200, 200), np.uint8),
        np.zeros((200, 200, 1), np.uint8),
        np.zeros((200, 200, 4), np.uint8),
        np.zeros((200, 200, 3), np.float32),
    ],
)
def test_every_type_refuses_grey_alpha_and_float(table: dict, array: np.ndarray) -> None:
    for distortion in table.values():
        with pytest.raises(MosforgeError, match="convert it to 8-bit RGB"):
            distortion.apply(array, 1, np.random.default_rng(0))
