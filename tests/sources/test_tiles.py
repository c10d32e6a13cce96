"""Images inside installed packages: found, and cut into tiles without loss."""

from pathlib import Path

import numpy as np
import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb
from mosforge.sources.tiles import find_packaged, packaged_image, write_tiles

ASTRONAUT = "skimage/data/astronaut.png"


def test_images_are_cut_without_loss(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    # 512x512 and 600x400 pixels: 3 x 3 and 3 x 2 tiles
    assert write_tiles([ASTRONAUT, "skimage/data/coffee.png"], 256, 128, tmp_path) == 9 + 6
    found = read_rgb(tmp_path / "astronaut/astronaut_01_02.png")
    assert np.array_equal(found, packaged_image(ASTRONAUT)[128:384, 256:512])


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(MosforgeError, match=r"no_such_package.*pip install mosforge\[demo\]"):
        find_packaged("no_such_package/data/x.png")


def test_a_missing_file_is_named() -> None:
    pytest.importorskip("skimage")
    with pytest.raises(MosforgeError, match=r"nobody\.png.* no such file"):
        find_packaged("skimage/data/nobody.png")


@pytest.mark.parametrize(
    ("names", "tile", "message"),
    [
        ([ASTRONAUT, ASTRONAUT], 256, "called astronaut"),
        ([ASTRONAUT], 513, "tile of 513 pixels"),
    ],
)
def test_what_cannot_be_cut_is_refused(tmp_path: Path, names: list[str], tile: int, message: str) -> None:
    pytest.importorskip("skimage")
    with pytest.raises(MosforgeError, match=message):
        write_tiles(names, tile, 128, tmp_path)
