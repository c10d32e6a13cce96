"""BRISQUE's features: which images have them, and that threads change none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage import data

from mosforge.cli import main
from mosforge.core.packs import write_pack
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.targets import BRISQUE_FEATURES
from mosforge.core.tables import read_table, write_table
from mosforge.evaluation.brisque import features, features_of
from mosforge.evaluation.compare import FEATURES

SIDE = 80


def tile(place: int) -> np.ndarray:
    return data.coffee()[place : place + SIDE, place : place + SIDE]


def test_a_table_holds_the_features_of_all_images_but_a_black_one(tmp_path: Path) -> None:
    pixels = {"a.png": tile(0), "black.png": np.zeros_like(tile(0)), "c.png": tile(20)}
    images = list(pixels)
    frame = pd.DataFrame({"image": images, "path": images, "reference": images})
    write_table(
        tmp_path / "dataset.parquet", DATASET, frame.assign(mos=1.0, quality=0.5), stage="test", cfg={}
    )
    write_pack(tmp_path / "pack.parquet", tmp_path / "pack.pixels", pixels.items(), stage="test", cfg={})
    files = {"dataset": "dataset.parquet", "pack": "pack.parquet", "output": "brisque.parquet"}
    words = [word for name, file in files.items() for word in (f"--{name}", f"{tmp_path}/{file}")]
    assert main(["evaluation", "brisque", *words, "--threads", "2"]) == 0
    table = read_table(tmp_path / "brisque.parquet", BRISQUE_FEATURES).set_index("image")["features"]
    assert table.index.tolist() == images
    assert table["black.png"] is None
    for name in ("a.png", "c.png"):
        assert np.array_equal(table[name], features(pixels[name]))


@pytest.mark.parametrize("shape", [(1, 1), (2, 90), (90, 3), (6, 90), (7, 7), (13, 90)])
def test_an_image_smaller_than_the_window_has_no_features(shape: tuple[int, int]) -> None:
    assert features(data.coffee()[100 : 100 + shape[0], 100 : 100 + shape[1]]) is None


@pytest.mark.parametrize("shape", [(14, 14), (14, 91), (15, 15), (37, 16)])
def test_small_images_have_features(shape: tuple[int, int]) -> None:
    found = features(data.coffee()[100 : 100 + shape[0], 100 : 100 + shape[1]])
    assert found is not None
    assert found.shape == (FEATURES,)


def test_the_number_of_threads_changes_no_feature() -> None:
    images = [tile(place) for place in range(0, 60, 20)]
    for one, several, image in zip(features_of(images, 3, 1), features_of(images, 3, 3), images, strict=True):
        assert one is not None
        assert np.array_equal(one, several)
        assert np.array_equal(one, features(image))
