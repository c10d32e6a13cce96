"""Contrast, exposure, curves and quantisation against NumPy, SciPy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import interpolate
from skimage import filters

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.distortions.tone import (
    contrast_curve,
    contrast_factor,
    contrast_range,
    darken,
    mean_shift,
    otsu_thresholds,
    overexposure,
    quantize,
    underexposure,
)

images = hnp.arrays(np.uint8, st.tuples(st.integers(4, 20), st.integers(4, 20), st.just(3)))


@given(pixels=images, limits=st.sampled_from([(0.2, 0.8), (0.49, 0.51), (0.0, 1.0)]))
def test_contrast_range_maps_the_percentiles(pixels: Pixels, limits: tuple[float, float]) -> None:
    first, last = np.percentile(pixels, [1, 99], axis=(0, 1))
    low, high = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        stretched = np.clip((pixels - first) / (last - first), 0, 1)
    stretched = np.where(last > first, stretched, pixels / 255)
    exact = (low + stretched * (high - low)) * 255
    assert np.abs(contrast_range(pixels, limits) - exact).max() <= 0.5 + 1e-9


@given(pixels=images, amount=st.floats(0, 1))
def test_exposure_adds_and_clips(pixels: Pixels, amount: float) -> None:
    brighter = np.clip(pixels / 255 + amount, 0, 1) * 255
    darker = np.clip(pixels / 255 - amount, 0, 1) * 255
    assert np.abs(overexposure(pixels, amount) - brighter).max() <= 0.5 + 1e-9
    assert np.abs(underexposure(pixels, amount) - darker).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("amount", [0.1, 0.3, 0.5, 0.7])
def test_exposure_rounds_halves_up_and_merges_no_levels(amount: float) -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    shift = round(10 * amount) * 51  # in half levels, exactly
    brighter, darker = np.arange(256) + (shift + 1) // 2, np.arange(256) - shift // 2
    np.testing.assert_array_equal(overexposure(levels, amount)[0, :, 0], np.clip(brighter, 0, 255))
    np.testing.assert_array_equal(underexposure(levels, amount)[0, :, 0], np.clip(darker, 0, 255))
    np.testing.assert_array_equal(mean_shift(levels, amount), overexposure(levels, amount))


@given(pixels=images, factor=st.floats(0, 1))
def test_contrast_factor_shrinks_about_mid_grey(pixels: Pixels, factor: float) -> None:
    assert np.abs(contrast_factor(pixels, factor) - (127.5 + (pixels - 127.5) * factor)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("limits", [0.5, (0.8, 0.2), (0.2,), (-0.1, 0.5), (0.2, 1.2), ("a", 1)])
def test_contrast_range_refuses_what_is_no_range(coffee: Pixels, limits: object) -> None:
    with pytest.raises(MosforgeError, match="range of contrast"):
        contrast_range(coffee, limits)  # type: ignore[arg-type]


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
    grey = np.full_like(coffee, 128)
    assert np.array_equal(quantize(grey, 7), grey)
