"""`mosforge finetuning pack_dataset`: the pixels of a dataset's images, in the order of its table."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mosforge.cli import main
from mosforge.core.packs import Pack
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.packs import PACK
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table

CFG = {"layout": "table", "folder": ".", "table": "labels.csv"}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    paths = [f"{tmp_path}/{name}.png" for name in "ba"]
    for place, path in enumerate(paths):
        pixels = np.random.default_rng(place).integers(0, 256, (5 + place, 7, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    frame = pd.DataFrame({"image": ["b", "a"], "path": paths, "reference": ["b", "a"]})
    write_table(
        tmp_path / "dataset.parquet", DATASET, frame.assign(mos=1.0, quality=0.5), stage="test", cfg={}
    )
    return tmp_path / "dataset.parquet"


def pack(dataset: Path) -> int:
    files = {
        "dataset": dataset,
        "index": dataset.with_name("p.parquet"),
        "pixels": dataset.with_name("p.pixels"),
    }
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    return main(["finetuning", "pack_dataset", *options, "--cfg", json.dumps(CFG)])


def test_a_pack_holds_the_pixels_in_the_order_of_the_table(dataset: Path) -> None:
    assert pack(dataset) == 0
    index = read_table(dataset.with_name("p.parquet"), PACK)
    assert index["path"].tolist() == read_table(dataset, DATASET)["path"].tolist()
    for path, pixels in zip(index["path"], Pack(index).images(), strict=True):
        assert np.array_equal(pixels, np.asarray(Image.open(path)))
    assert read_stamp(dataset.with_name("p.parquet"))["cfg"] == CFG


def test_an_image_that_cannot_be_read_is_named(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset.with_name("a.png").write_bytes(b"no image")
    assert pack(dataset) == 1
    assert f"{dataset.parent}/a.png" in capsys.readouterr().err
    assert not dataset.with_name("p.parquet").exists()
