"""Distortions in space against SciPy and arithmetic written down here."""

import math

import numpy as np
import pytest
from scipy import ndimage

from mosforge.core.images import Pixels
from mosforge.distortions.spatial import color_blocks, displaced_patches, jitter, pixelate

GREY = np.full((400, 500, 3), 128, dtype=np.uint8)


PLACES = np.stack([*np.indices((200, 250)), np.zeros((200, 250), int)], axis=2).astype(np.uint8)
"""Every pixel holds its row and its column."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


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
        assert len(np.unique(places)) == math.ceil(PLACES.shape[axis] * scale)
        # half a coarse pixel for each way, and half a pixel for the rounding
        assert np.abs(places - PLACES[:, :, axis]).max() <= 0.5 / scale + 0.5
