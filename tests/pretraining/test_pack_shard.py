"""The rule `pack_shard`: images are decoded, scaled and packed in order."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mosforge.core.errors import UnreadableImageError
from mosforge.pretraining.pack_shard import scale, scale_images


def write_images(folder: Path, count: int = 7) -> list[str]:
    paths = []
    for i in range(count):
        image = Image.fromarray(data.coffee()[i : i + 60 + i, i : i + 90])
        image.save(folder / f"{i}.png")
        paths.append(str(folder / f"{i}.png"))
    return paths


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_images_come_in_order_whatever_the_threads(tmp_path: Path, threads: int) -> None:
    paths = write_images(tmp_path)
    scaled = list(scale_images(paths, 32, threads))
    assert [path for path, _ in scaled] == paths
    for path, pixels in scaled:
        assert pixels.shape == (32, 32, 3)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, scale(path, 32))


def test_scaling_squeezes_the_whole_image_without_aliasing(tmp_path: Path) -> None:
    stripes = np.zeros((64, 128, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the square can show: grey, not black or white
    stripes[:32] = stripes[:32] // 2
    Image.fromarray(stripes).save(tmp_path / "x.png")
    pixels = scale(str(tmp_path / "x.png"), 32)
    assert np.abs(pixels[20:, 2:-2].astype(int) - 127).max() <= 2
    assert np.abs(pixels[:12, 2:-2].astype(int) - 63).max() <= 2


def test_an_image_of_that_size_is_not_changed(tmp_path: Path) -> None:
    pixels = data.coffee()[:32, :32]
    Image.fromarray(pixels).save(tmp_path / "x.png")
    np.testing.assert_array_equal(scale(str(tmp_path / "x.png"), 32), pixels)


@pytest.mark.parametrize("threads", [1, 5])
def test_whole_images_keep_their_size_and_every_pixel(tmp_path: Path, threads: int) -> None:
    paths = write_images(tmp_path)
    whole = list(scale_images(paths, 0, threads))
    assert [path for path, _ in whole] == paths
    for i, (_, pixels) in enumerate(whole):
        np.testing.assert_array_equal(pixels, data.coffee()[i : i + 60 + i, i : i + 90])


def test_a_damaged_image_stops_the_pack_by_its_name(tmp_path: Path) -> None:
    paths = write_images(tmp_path)
    Path(paths[3]).write_bytes(b"text")
    with pytest.raises(UnreadableImageError, match=r"3\.png: not a"):
        list(scale_images(paths, 32, 2))


def test_no_images_no_pack() -> None:
    assert list(scale_images([], 32, 2)) == []
