"""Dither, shifted channels and saturation against NumPy, scikit-image and colorsys."""

import colorsys

import numpy as np
import pytest
from scipy import ndimage
from skimage import color
from skimage.metrics import mean_squared_error
from skimage.registration import phase_cross_correlation

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.colour import (
    brighten,
    chromatic_aberration,
    color_diffusion,
    color_dither,
    color_shift,
    hsv_saturation,
    lab_saturation,
    sharpen,
    shift_plane,
    to_lab,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def nearly(made: Pixels, exact: np.ndarray, most: float = 1.5) -> bool:
    """Equal up to `most` steps wherever the exact image is well inside the range of samples."""
    inside = ((exact > 1) & (exact < 254)).all(axis=2)
    assert inside.mean() > 0.3
    return bool(np.abs(made - exact)[inside].max() <= most)


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


def test_lab_is_scikit_images(coffee: Pixels) -> None:
    assert np.abs(to_lab(coffee) - color.rgb2lab(coffee)).max() < 0.05


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_the_lab_distortions_are_their_formulas(coffee: Pixels) -> None:
    dull = (96 + coffee // 4).astype(np.uint8)  # so that most colours stay inside sRGB
    lab = color.rgb2lab(dull)
    stronger = lab * [1, 1.5, 1.5]
    assert nearly(lab_saturation(dull, 1.5), color.lab2rgb(stronger) * 255)

    diffused = lab.copy()
    for channel in (1, 2):
        blurred = ndimage.gaussian_filter(lab[:, :, channel], 6.5, mode="reflect", radius=13)
        diffused[:, :, channel] = 3 * blurred
    assert nearly(color_diffusion(dull, 3), color.lab2rgb(diffused) * 255)

    sharp = lab.copy()
    lightness = lab[:, :, 0]
    sharp[:, :, 0] = lightness + 2 * (lightness - ndimage.gaussian_filter(lightness, 3, radius=6))
    assert nearly(sharpen(dull, 2), color.lab2rgb(sharp) * 255)

    curve = np.polyfit([0, 0.5, 1], [0, 0.6, 1], 2)
    bright = lab.copy()
    bright[:, :, 0] = 100 * np.polyval(curve, lightness / 100)
    exact = (2 * np.polyval(curve, dull / 255) + color.lab2rgb(bright)) / 3 * 255
    assert nearly(brighten(dull, 0.2), exact)


def test_hsv_saturation_is_colorsys() -> None:
    pixels = rng().integers(0, 256, (20, 30, 3), dtype=np.uint8)
    for factor in (0.4, 0, -0.4):
        exact = np.empty(pixels.shape)
        for place in np.ndindex(pixels.shape[:2]):
            hue, saturation, value = colorsys.rgb_to_hsv(*pixels[place] / 255)
            exact[place] = colorsys.hsv_to_rgb(hue, saturation * factor, value)
        assert np.abs(hsv_saturation(pixels, factor) - np.clip(exact, 0, 1) * 255).max() < 0.51


def test_color_shift_moves_green_where_there_are_edges() -> None:
    texture = ndimage.gaussian_filter(rng(1).normal(size=(256, 256)), 2)
    plane = np.full((256, 512), 128, dtype=np.uint8)
    plane[:, 256:] = np.clip(128 + 400 * texture, 0, 255)
    pixels = np.repeat(plane[:, :, None], 3, axis=2)
    shifted = color_shift(pixels, 6, rng(2))
    angle = rng(2).uniform(0, 2 * np.pi)
    assert np.array_equal(shifted[:, :, [0, 2]], pixels[:, :, [0, 2]])
    assert np.array_equal(shifted[:, :200], pixels[:, :200])  # nothing there, no edge
    part = np.s_[:, 288:480, 1]
    back, _, _ = phase_cross_correlation(pixels[part], shifted[part], upsample_factor=10)
    assert -back == pytest.approx(6 * np.array([np.sin(angle), np.cos(angle)]), abs=1)
