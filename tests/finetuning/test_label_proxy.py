"""Proxy labels: HaarPSI of distorted images, only for the demo."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import piq
import pytest
import torch
from PIL import Image, ImageFilter

from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.images import read_rgb
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.tables import read_table, write_table
from mosforge.finetuning.dataset import load
from mosforge.finetuning.label_proxy import label_proxy
from mosforge.finetuning.settings import DatasetSettings

RADII = (1, 2, 4)
CATALOGUES = [Path("demo.parquet")]


def shard(folder: Path, image_id: str, reference: Path, radii: tuple[int, ...], source: str = "demo") -> Path:
    """A shard folder with one reference image, blurred more and more."""
    rows: list[dict[str, Any]] = []
    folder.mkdir(parents=True)
    for level, radius in enumerate(radii, start=1):
        path = folder / f"{Path(image_id).stem}_{level}.png"
        with Image.open(reference) as image:
            image.filter(ImageFilter.GaussianBlur(radius)).save(path)
            width, height = image.size
        rows.append(
            {
                "source": source,
                "image_id": image_id,
                "reference": reference.as_posix(),
                "group": "gaussian_blur",
                "level": level,
                "class_index": level - 1,
                "labels": None,
                "seed": 0,
                "path": path.as_posix(),
                "width": width,
                "height": height,
                "bytes": path.stat().st_size,
                "sha256": sha256_of_file(path),
            }
        )
    write_table(folder / "manifest.parquet", MANIFEST, pd.DataFrame(rows), stage="distortions", cfg={})
    return folder


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    data = pytest.importorskip("skimage.data")
    monkeypatch.chdir(tmp_path)
    made = []
    for name, image_id in (("astronaut", "astronaut/astronaut_00_00.png"), ("coffee", "coffee.png")):
        Image.fromarray(np.ascontiguousarray(getattr(data, name)()[:200, :240])).save(f"{name}.png")
        made.append(shard(Path("shards") / name, image_id, Path(f"{name}.png"), RADII))
    write_catalogue("astronaut/astronaut_00_00.png", "coffee.png")
    return made


def write_catalogue(*image_ids: str) -> None:
    rows = pd.DataFrame({"image_id": list(image_ids)}).assign(source="demo", shard=0, width=240, height=200)
    rows = rows.assign(path=rows["image_id"], sha256=rows["image_id"], format="PNG", mode="RGB")
    write_table(CATALOGUES[0], CATALOGUE, rows, stage="sources", cfg={})


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_labels_are_haarpsi_and_fall_with_the_blur(shards: list[Path], tmp_path: Path) -> None:
    label_proxy(shards, CATALOGUES, output=tmp_path / "labels.csv")
    rows = rows_of(tmp_path / "labels.csv")
    assert list(rows[0]) == ["image", "mos", "reference", "reference_image"]
    assert [row["reference_image"] for row in rows] == ["astronaut.png"] * 3 + ["coffee.png"] * 3
    assert [row["image"] for row in rows] == [
        f"shards/{name}_{level}.png"
        for name in ("astronaut/astronaut_00_00", "coffee/coffee")
        for level in range(1, len(RADII) + 1)
    ]
    assert [row["reference"] for row in rows] == ["astronaut"] * 3 + ["coffee.png"] * 3
    scores = [float(row["mos"]) for row in rows]
    assert 1 > scores[0] > scores[1] > scores[2] > 0
    first, second = (
        torch.tensor(read_rgb(path)).permute(2, 0, 1)[None] / 255
        for path in (rows[0]["image"], "astronaut.png")
    )
    assert scores[0] == pytest.approx(piq.haarpsi(first, second).item(), abs=1e-6)


def test_neither_the_shards_nor_their_order_matter(shards: list[Path], tmp_path: Path) -> None:
    label_proxy(shards, CATALOGUES, output=tmp_path / "all.csv")
    label_proxy(shards[::-1], CATALOGUES, output=tmp_path / "reversed.csv")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "reversed.csv").read_bytes()
    singly = []
    for number, folder in enumerate(shards):
        label_proxy([folder], CATALOGUES, output=tmp_path / f"{number}.csv")
        singly += rows_of(tmp_path / f"{number}.csv")
    assert singly == rows_of(tmp_path / "all.csv")


def test_images_that_no_catalogue_has_get_no_label(shards: list[Path], tmp_path: Path) -> None:
    write_catalogue("coffee.png")
    label_proxy(shards, CATALOGUES, output=tmp_path / "labels.csv")
    assert {row["reference_image"] for row in rows_of(tmp_path / "labels.csv")} == {"coffee.png"}


def test_the_layout_table_reads_them(shards: list[Path], tmp_path: Path) -> None:
    label_proxy(shards, CATALOGUES, output=Path("results/finetuning/demo/labels.csv"))
    cfg = DatasetSettings(
        layout="table", folder=".", table="results/finetuning/demo/labels.csv", range=(0.0, 1.0)
    )
    frame = load("demo", cfg)
    assert frame["path"].tolist() == frame["image"].tolist()
    assert frame["reference"].nunique() == 2
    assert frame["reference_path"].tolist() == ["astronaut.png"] * 3 + ["coffee.png"] * 3


def test_a_missing_image_is_named_and_nothing_is_written(shards: list[Path], tmp_path: Path) -> None:
    (shards[0] / "astronaut_00_00_2.png").unlink()
    with pytest.raises(MosforgeError, match=r"astronaut_00_00_2\.png: no such file"):
        label_proxy(shards, CATALOGUES, output=tmp_path / "labels.csv")
    assert not (tmp_path / "labels.csv").exists()


def test_another_size_than_the_reference_is_refused(shards: list[Path], tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(shards[0] / "astronaut_00_00_2.png")
    manifest = read_table(shards[0] / "manifest.parquet", MANIFEST)
    manifest["sha256"] = [sha256_of_file(path) for path in manifest["path"]]
    write_table(shards[0] / "manifest.parquet", MANIFEST, manifest, stage="distortions", cfg={})
    with pytest.raises(MosforgeError, match="its size is not its reference image's"):
        label_proxy(shards, CATALOGUES, output=tmp_path / "labels.csv")


def test_no_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="the shards hold no image"):
        label_proxy([], [], output=tmp_path / "labels.csv")
