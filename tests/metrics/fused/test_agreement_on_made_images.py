"""The engine `fused` agrees with piq in float64 on stripes and on coloured noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import assert_agrees

from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import METRICS


def stripes(shape: tuple[int, ...], frequency: float, angle: float, noise_level: float) -> Pixels:
    """Grey stripes of so many cycles a pixel, in noise: hardly anything at low frequencies."""
    down, across = np.mgrid[: shape[0], : shape[1]]
    phase = 2 * np.pi * frequency * (np.cos(angle) * across + np.sin(angle) * down)
    wave = 127 + 100 * np.cos(phase) + np.random.default_rng(0).normal(0, noise_level, shape[:2])
    return np.repeat(np.clip(wave, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("frequency", [0.47, 0.5])
@pytest.mark.parametrize("noise_level", [0, 0.5])
def test_fused_agrees_on_fine_stripes(frequency: float, noise_level: float) -> None:
    """Where sides have large prime factors, coarse wavelets are cut off below such frequencies."""
    shape = (163, 251, 3)
    assert_agrees(stripes(shape, frequency, 0, noise_level), stripes(shape, frequency, 1.5, noise_level))


STRIPES = {
    "shape": st.sampled_from([(163, 251, 3), (167, 222, 3), (321, 171, 3)]),
    "frequency": st.floats(0.2, 0.5),
    "angle": st.floats(0, 1.6),
    "noise_level": st.sampled_from([0.3, 1.0, 3.0, 10.0]),
}


@pytest.mark.slow
@settings(max_examples=12, derandomize=True)
@given(**STRIPES)
def test_some_stripes_agree(
    shape: tuple[int, ...], frequency: float, angle: float, noise_level: float
) -> None:
    assert_agrees_on_stripes(shape, frequency, angle, noise_level)


@pytest.mark.slow
@pytest.mark.exhaustive
@settings(max_examples=60)
@given(**STRIPES)
def test_no_stripes_disagree(
    shape: tuple[int, ...], frequency: float, angle: float, noise_level: float
) -> None:
    assert_agrees_on_stripes(shape, frequency, angle, noise_level)


def assert_agrees_on_stripes(
    shape: tuple[int, ...], frequency: float, angle: float, noise_level: float
) -> None:
    reference = stripes(shape, frequency, angle, noise_level)
    assert_agrees(reference, stripes(shape, frequency, angle + 0.3, 2 * noise_level))


MADE_IMAGES = {
    "height": st.integers(161, 230),
    "width": st.integers(161, 230),
    "seed": st.integers(0, 2**32 - 1),
    "smooth": st.integers(0, 6),
    "strength": st.sampled_from([1, 3, 40, 255]),
}


@pytest.mark.slow
@settings(max_examples=12, derandomize=True)
@given(**MADE_IMAGES)
def test_fused_agrees_on_made_images(height: int, width: int, seed: int, smooth: int, strength: int) -> None:
    assert_agrees_on_made_image(height, width, seed, smooth, strength)


@pytest.mark.slow
@pytest.mark.exhaustive
@settings(max_examples=40)
@given(**MADE_IMAGES)
def test_no_made_image_disagrees(height: int, width: int, seed: int, smooth: int, strength: int) -> None:
    assert_agrees_on_made_image(height, width, seed, smooth, strength)


def assert_agrees_on_made_image(height: int, width: int, seed: int, smooth: int, strength: int) -> None:
    """Coloured noise of any grain and contrast, shifted and clipped."""
    generator = np.random.default_rng(seed)
    grain = 2**smooth
    coarse = generator.normal(0, 1, (-(-height // grain), -(-width // grain), 3))
    field = coarse.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    middle = generator.integers(0, 256, 3)
    reference = np.clip(middle + strength * field, 0, 255).astype(np.uint8)
    distorted = np.clip(
        reference * generator.uniform(0, 2) + generator.normal(0, strength, field.shape), 0, 255
    ).astype(np.uint8)
    constant = any(np.all(p == p[0, 0]) for p in (reference, distorted))
    assert_agrees(reference, distorted, skip=METRICS.index("fsim") if constant else None)
