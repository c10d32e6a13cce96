"""KADID-10k's operations against SciPy, scikit-image, Pillow and arithmetic written down here."""

import colorsys

import numpy as np
import pytest
from scipy import interpolate, ndimage
from skimage import color, data, filters
from skimage.registration import phase_cross_correlation

from mosforge.configuration import load_config
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.blur import disc_kernel, gaussian_lowpass, lens_blur
from mosforge.distortions.classes import synthetic_classes
from mosforge.distortions.codecs import encode_jpeg2000_ratio
from mosforge.distortions.colour import color_shift, hsv_saturation
from mosforge.distortions.kadid25 import TYPES
from mosforge.distortions.lab import brighten, color_diffusion, lab_saturation, sharpen, to_lab
from mosforge.distortions.levels import read_levels
from mosforge.distortions.noise import (
    denoised,
    gaussian_noise,
    impulse_noise,
    multiplicative_noise,
    ycbcr_noise,
)
from mosforge.distortions.spatial import color_blocks, displaced_patches, jitter, pixelate
from mosforge.distortions.thresholds import otsu_thresholds, quantize
from mosforge.distortions.tone import contrast_curve, darken, mean_shift

GREY = np.full((400, 500, 3), 128, dtype=np.uint8)
PLACES = np.stack([*np.indices((200, 250)), np.zeros((200, 250), int)], axis=2).astype(np.uint8)
"""Every pixel holds its row and its column."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def nearly(made: Pixels, exact: np.ndarray, most: float = 1.5) -> bool:
    """Equal up to `most` steps wherever the exact picture is well inside the range of samples."""
    inside = ((exact > 1) & (exact < 254)).all(axis=2)
    assert inside.mean() > 0.3
    return bool(np.abs(made - exact)[inside].max() <= most)


def test_the_table_is_kadids_25_types_at_five_levels() -> None:
    levels = read_levels(load_config(), "kadid25")
    assert list(levels) == list(TYPES)
    table = synthetic_classes(levels)
    assert len(TYPES) == 25
    assert [row.index for row in table] == list(range(125))
    assert {row.level for row in table} == {1, 2, 3, 4, 5}


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


def test_jpeg2000_meets_its_ratio() -> None:
    pixels = np.ascontiguousarray(data.astronaut())
    for ratio in (16, 45, 400):
        assert len(encode_jpeg2000_ratio(pixels, ratio)) == pytest.approx(pixels.size / ratio, rel=0.05)


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
    assert ((noisy != 128).all(axis=2)).mean() < 0.001  # the channels are hit apart


def test_multiplicative_noise_grows_with_the_sample_and_is_uniform() -> None:
    for level in (60, 180):
        noise = multiplicative_noise(np.full_like(GREY, level), 0.01, rng(6)) / level - 1
        assert noise.std() == pytest.approx(0.1, rel=0.02)
        assert (noise**4).mean() / noise.var() ** 2 == pytest.approx(1.8, abs=0.05)  # of a uniform one


def test_denoised_is_nearer_to_the_picture_than_the_noise(coffee: Pixels) -> None:
    small = np.ascontiguousarray(coffee[:180, :200])
    for variance in (0.01, 0.05):
        noisy = gaussian_noise(small, variance, rng(7))
        made = denoised(small, variance, rng(7))
        error, before = ((picture - small.astype(float)) ** 2 for picture in (made, noisy))
        assert error.mean() < 0.5 * before.mean()
        assert error.mean() > 20  # and is not the picture


def test_curves_are_their_polynomials() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    unit = ramp / 255
    darker = np.polyval(np.polyfit([0, 0.5, 1], [0, 0.4, 1], 2), unit)
    assert np.abs(darken(ramp, 0.2) - np.clip(darker, 0, 1) * 255).max() < 0.51
    assert np.abs(mean_shift(ramp, 0.15) - np.clip(unit + 0.15, 0, 1) * 255).max() < 0.51
    assert np.abs(mean_shift(ramp, -0.15) - np.clip(unit - 0.15, 0, 1) * 255).max() < 0.51
    spline = interpolate.make_interp_spline([0, 0.3, 0.5, 0.7, 1], [0, 0.175, 0.5, 0.825, 1])
    assert np.abs(contrast_curve(ramp, 0.3) - np.clip(spline(unit), 0, 1) * 255).max() < 0.51
    assert np.array_equal(contrast_curve(ramp, -0.2), ramp)


def test_jitter_is_five_bilinear_displacements(coffee: Pixels) -> None:
    draws = rng(8)
    rows, columns = np.indices(coffee.shape[:2])
    exact = coffee.astype(float)
    for _ in range(5):
        down, across = 0.5 * draws.standard_normal((2, *coffee.shape[:2]), dtype=np.float32)
        for channel in range(3):
            exact[:, :, channel] = ndimage.map_coordinates(
                exact[:, :, channel], [rows + down, columns + across], order=1, mode="reflect"
            )
    error = jitter(coffee, 0.5, rng(8)) - exact
    assert np.abs(error).mean() < 0.6  # displacements are rounded to 1/32 pixel
    assert np.abs(error).mean() < 0.1 * np.abs(exact - coffee).mean()


def test_a_patch_is_copied_up_to_eight_pixels_away() -> None:
    distances = []
    for seed in range(40):
        made = displaced_patches(PLACES, 1, rng(seed)).astype(int)
        moved = (made != PLACES).any(axis=2)
        if not moved.any():  # by chance to its own place
            continue
        rows, columns = np.nonzero(moved)
        steps = (made - PLACES)[moved][:, :2]
        assert (steps == steps[0]).all()
        assert np.ptp(rows) == np.ptp(columns) == 15
        distances.append(np.abs(steps[0]))
    assert np.max(distances) == 8
    assert np.array_equal(displaced_patches(PLACES, 0, rng()), PLACES)


def test_blocks_are_of_one_colour() -> None:
    made = color_blocks(PLACES, 1, rng(9))
    rows, columns = np.nonzero((made != PLACES).any(axis=2))
    assert np.ptp(rows) == np.ptp(columns) == 31
    block = made[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert (block == block[0, 0]).all()
    changed = [(color_blocks(GREY, count, rng(10)) != GREY).any(axis=2).sum() for count in (2, 10)]
    assert changed[0] <= 2 * 32 * 32 < changed[1] <= 10 * 32 * 32


@pytest.mark.parametrize("strength", [0.01, 0.1, 0.5])
def test_pixelate_keeps_so_many_pixels_and_the_nearest(strength: float) -> None:
    scale = 0.95 - strength**0.6
    made = pixelate(PLACES, strength)
    for axis in (0, 1):
        places = made[:, :, axis].astype(int)
        assert len(np.unique(places)) == int(PLACES.shape[axis] * scale)
        # half a coarse pixel for each way, and half a pixel for the rounding
        assert np.abs(places - PLACES[:, :, axis]).max() <= 0.5 / scale + 0.5


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_thresholds_are_otsus(coffee: Pixels, classes: int) -> None:
    counts = np.bincount(coffee.ravel(), minlength=256)
    expected = filters.threshold_multiotsu(hist=(counts, np.arange(256)), classes=classes)
    assert otsu_thresholds(counts, classes - 1).tolist() == expected.tolist()


def test_quantize_maps_to_the_threshold_above(coffee: Pixels) -> None:
    cuts = otsu_thresholds(np.bincount(coffee.ravel(), minlength=256), 7)
    made = quantize(coffee, 7)
    assert np.unique(made).tolist() == [0, *cuts[1:], 255]
    assert (made[coffee <= cuts[0]] == 0).all()
    assert (made[(coffee > cuts[2]) & (coffee <= cuts[3])] == cuts[3]).all()
    assert (made[coffee > cuts[6]] == 255).all()
    assert np.array_equal(quantize(GREY, 7), GREY)


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if kind.random])
def test_random_types_follow_their_generator_alone(coffee: Pixels, name: str) -> None:
    small = np.ascontiguousarray(coffee[:170, :180])
    level = read_levels(load_config(), "kadid25")[name][4]
    first, again, other = (TYPES[name].apply(small, level, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("parameter", [-5, 1e9, float("nan"), "1", True, (0.2, 0.8)])
def test_every_type_refuses_what_is_no_level(coffee: Pixels, name: str, parameter: object) -> None:
    with pytest.raises(MosforgeError, match=r"is not (a|an) .*; give a"):
        TYPES[name].apply(coffee, parameter, rng())  # type: ignore[arg-type]
