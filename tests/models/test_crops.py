"""The crops that a network is shown, and the size at which it is shown an image."""

import numpy as np
import pytest
from PIL import Image

from mosforge.core.values import GRID_CROPS
from mosforge.models.crops import SMALLEST_VIEW, cut_crops, grid_boxes, grid_view, view, view_side


def black(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_the_grid_is_the_centre_and_halfway_to_the_corners_and_the_whole() -> None:
    boxes = grid_boxes(black(512, 512), 256).tolist()
    corners = [[128, 128], [64, 64], [64, 192], [192, 64], [192, 192]]
    assert boxes == [*([*corner, 256] for corner in corners), [0, 0, 512]]
    assert len(boxes) == GRID_CROPS
    corners = [[20, 48], [10, 24], [10, 72], [30, 24], [30, 72]]
    assert grid_boxes(black(264, 320), 224).tolist() == [
        *([*corner, 224] for corner in corners),
        [0, 28, 264],
    ]


@pytest.mark.parametrize(
    ("shape", "boxes"),
    [
        ((64, 64), [[0, 0, 64]]),
        ((40, 30), [[0, 0, 64]]),
        ((65, 64), [[0, 0, 64]]),
        ((64, 68), [[0, 2, 64], [0, 1, 64], [0, 3, 64]]),
        ((40, 68), [[0, 2, 64], [0, 1, 64], [0, 3, 64]]),
        ((66, 64), [[1, 0, 64], [0, 0, 64]]),
        ((65, 66), [[0, 1, 64], [0, 0, 64], [0, 0, 65]]),
    ],
)
def test_a_box_of_a_small_image_counts_once(shape: tuple[int, int], boxes: list[list[int]]) -> None:
    assert grid_boxes(black(*shape), 64).tolist() == boxes


def test_a_crop_that_is_larger_than_the_network_is_shown_is_shrunk() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 150, 3)).astype(np.uint8)
    inner, whole = cut_crops(pixels, np.array([(10, 20, 64), (0, 25, 100)]), 64)
    np.testing.assert_array_equal(inner, pixels[10:74, 20:84])
    shrunk = Image.fromarray(pixels[:, 25:125]).resize((64, 64), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(whole, np.asarray(shrunk))


def test_shrinking_keeps_fine_detail() -> None:
    """Stripes of 2.5 pixels of the shrunk image; a mean of areas would keep 77% of their contrast."""
    row = (128 + 100 * np.sin(2 * np.pi * np.arange(400) / 10)).round()
    stripes = np.broadcast_to(row[:, None], (400, 400, 3)).astype(np.uint8)
    shown = view(stripes, 100)
    assert shown.shape == (100, 100, 3)
    assert 0.8 < shown[:, 10:-10].std() / stripes.std() < 1


@pytest.mark.parametrize(
    ("shape", "side", "shown"),
    [
        ((4000, 6000), 512, (512, 768)),
        ((6000, 4000), 512, (768, 512)),
        ((513, 1000), 512, (512, 998)),
        ((512, 9000), 512, (512, 9000)),
        ((300, 200), 512, (300, 200)),
        ((900, 900), None, (900, 900)),
    ],
)
def test_the_shorter_side_is_at_most_that_of_the_view(
    shape: tuple[int, int], side: int | None, shown: tuple[int, int]
) -> None:
    assert view(black(*shape), side).shape[:2] == shown


def test_an_image_that_is_not_too_large_is_shown_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (512, 700, 3)).astype(np.uint8)
    assert view(pixels, 512) is pixels
    shown, boxes = grid_view(pixels, 256, 512)
    assert shown is pixels
    np.testing.assert_array_equal(boxes, grid_boxes(pixels, 256))
    shown, boxes = grid_view(pixels, 256, 400)
    assert shown.shape == (400, 547, 3)
    np.testing.assert_array_equal(boxes, grid_boxes(shown, 256))


def test_the_view_has_the_size_of_the_training_images() -> None:
    heights, widths = np.full(100, 768), np.full(100, 1024)
    assert view_side(heights, widths) == view_side(widths, heights) == 768
    heights[:5], widths[:5] = 4000, 6000
    assert view_side(heights, widths) == 768, "few are larger"
    heights[:6], widths[:6] = 4000, 6000
    assert view_side(heights, widths) == 4000
    assert view_side(np.array([321]), np.array([481])) == SMALLEST_VIEW
