"""Shards: what is written, and that nothing but the photograph and `cfg` decides the bytes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.images import read_rgb
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.stamps import made_by
from mosforge.core.tables import read_table
from mosforge.distortions import photograph as photograph_module
from mosforge.distortions.photograph import Photograph, flat_name
from mosforge.distortions.shards import make_shard
from mosforge.distortions.synthetic import TYPES

NOISE = {
    "kind": "synthetic",
    "type": "white_noise",
    "levels": [-10, -5.5],
    "first_class": 5,
    "seed": 0,
    "png_compression": 1,
}
MIXED = {
    "kind": "authentic",
    "types": {
        "jpeg": [30, 5],
        "contrast": [0.7],
        "motion_blur": [7, 15],
        "chromatic_aberration": [2.5],
        "overexposure": [0.15],
        "underexposure": [0.15],
    },
    "types_per_image": [2, 3],
    "per_image": 6,
    "seed": 0,
    "png_compression": 1,
}


def shard(photographs: list[Photograph], cfg: dict, folder: Path, workers: int = 1) -> pd.DataFrame:
    make_shard(photographs, cfg, folder, workers)
    return read_table(folder / "manifest.parquet", MANIFEST)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".parquet"}


def test_the_manifest_says_what_was_written(catalogued: list[Photograph], tmp_path: Path) -> None:
    rows = shard(catalogued, NOISE, tmp_path / "out")
    assert len(rows) == len(contents(tmp_path / "out")) == 8
    assert rows["image_id"].tolist() == [p.image_id for p in catalogued for _ in range(2)]
    assert rows["level"].tolist() == [1, 2] * 4
    assert rows["class_index"].tolist() == [5, 6] * 4
    assert rows["labels"].isna().all()
    assert set(rows["group"]) == {"white_noise"}
    assert rows["path"].is_unique
    for row in rows.itertuples():
        assert row.reference in [p.path for p in catalogued]
        assert Path(row.path).stat().st_size == row.bytes
        assert Path(row.path).parent == tmp_path / "out"
        made = read_rgb(row.path)
        assert made.shape == (row.height, row.width, 3)
        rng = np.random.Generator(np.random.PCG64(row.seed))
        parameter = NOISE["levels"][row.level - 1]
        assert np.array_equal(made, TYPES["white_noise"].apply(read_rgb(row.reference), parameter, rng))
    assert made_by(tmp_path / "out" / "manifest.parquet")["cfg"] == NOISE


def test_mixtures_have_labels_and_store_jpeg_as_it_is(catalogued: list[Photograph], tmp_path: Path) -> None:
    rows = shard(catalogued, MIXED, tmp_path / "out")
    assert len(rows) == 24
    assert set(rows["group"]) == {"authentic"}
    assert rows["level"].isna().all()
    assert rows["class_index"].isna().all()
    assert {len(bits) for bits in rows["labels"]} == {6 + 8}
    jpeg_bit = 5  # last in the camera's order of these six types
    for row in rows.itertuples():
        with Image.open(row.path) as image:
            assert image.format == ("JPEG" if row.labels[jpeg_bit] else "PNG")
            assert row.path.endswith(".jpg" if row.labels[jpeg_bit] else ".png")
    assert {bits[jpeg_bit] for bits in rows["labels"]} == {0, 1}
    for _, group in rows.groupby("image_id"):
        assert len({tuple(bits) for bits in group["labels"]}) == 6  # no combination twice


@pytest.mark.parametrize(("name", "suffix"), [("jpeg", ".jpg"), ("jpeg2000", ".jp2")])
def test_codecs_are_stored_as_their_bitstream(
    catalogued: list[Photograph], tmp_path: Path, name: str, suffix: str
) -> None:
    level = {"jpeg": 12, "jpeg2000": 0.46}[name]
    cfg = {"kind": "synthetic", "type": name, "levels": [level], "first_class": 5, "seed": 0}
    rows = shard(catalogued[:1], cfg, tmp_path / "out")
    path = Path(rows["path"][0])
    encode = TYPES[name].encode
    assert encode is not None
    assert path.suffix == suffix
    assert path.read_bytes() == encode(read_rgb(catalogued[0].path), level)


@pytest.mark.parametrize("cfg", [NOISE, MIXED], ids=["synthetic", "authentic"])
def test_the_same_bytes_for_any_shard_order_and_company(
    catalogued: list[Photograph], tmp_path: Path, cfg: dict
) -> None:
    make_shard(catalogued, cfg, tmp_path / "all", 1)
    alone: dict[str, bytes] = {}
    for i, one in enumerate(catalogued):
        make_shard([one], cfg, tmp_path / f"alone{i}", 1)
        alone |= contents(tmp_path / f"alone{i}")
    stranger = replace(catalogued[0], source="another", image_id="stranger.png")
    make_shard([stranger, *reversed(catalogued)], cfg, tmp_path / "company", 1)
    company = contents(tmp_path / "company")
    assert contents(tmp_path / "all") == alone
    assert {name: file for name, file in company.items() if name in alone} == alone
    assert len(company) > len(alone)


def test_the_same_bytes_from_a_catalogue_of_other_shards_and_with_another_source(
    catalogued: list[Photograph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photographs"
    Path("other").mkdir()
    Image.fromarray(data.coffee()[:180, :180]).save("other/cup.png")

    def pictures(name: str, source: Path, shard_size: int) -> dict[str, bytes]:
        """What a source's shards hold, by the names of their files."""
        cfg = {"folder": source.as_posix(), "shard_size": shard_size, "smallest_side": 161, "listing": ""}
        made = ["--output", f"{name}.parquet", "--excluded", f"{name}.excluded.parquet"]
        assert main(["sources", "catalogue", "--name", name, *made, "--cfg", json.dumps(cfg)]) == 0
        shards = read_table(f"{name}.parquet", CATALOGUE)["shard"].unique()
        photographs = [path for path in source.rglob("*") if path.is_file()]
        assert len(shards) == -(-len(photographs) // shard_size)
        found = {}
        for number in shards:
            out = f"{shard_size}/{name}-{number}"
            words = ["--catalogue", f"{name}.parquet", "--shard", str(number), "--output", out]
            assert main(["distortions", "shard", *words, "--cfg", json.dumps(NOISE)]) == 0
            found |= contents(Path(out))
        return found

    usual = pictures("s", folder, 3)
    assert len(usual) == 2 * len(catalogued)
    assert pictures("s", folder, 2) == usual
    assert pictures("other", Path("other"), 3).keys().isdisjoint(usual)
    assert pictures("s", folder, 4) == usual
    Image.fromarray(data.coffee()[:180, :180]).save(folder / "a first one.png")
    more = pictures("s", folder, 3)
    assert len(more) == len(usual) + 2
    assert usual.items() <= more.items()


def test_the_same_bytes_for_any_number_of_workers_and_hash_seed(
    catalogued: list[Photograph], tmp_path: Path
) -> None:
    make_shard(catalogued, MIXED, tmp_path / "x" / "out", 1)
    code = (
        "import json, sys; from pathlib import PurePath;"
        "from mosforge.distortions.photograph import Photograph;"
        "from mosforge.distortions.shards import make_shard;"
        "photographs, cfg, output = json.loads(sys.argv[1]);"
        "make_shard([Photograph(*p) for p in photographs], cfg, PurePath(output), 2)"
    )
    rows = [[p.source, p.image_id, p.path, p.sha256] for p in catalogued]
    arguments = json.dumps([rows, MIXED, (tmp_path / "y" / "out").as_posix()])
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, arguments], check=True, env=environment)
    assert contents(tmp_path / "x" / "out") == contents(tmp_path / "y" / "out")
    first, second = (read_table(tmp_path / z / "out" / "manifest.parquet", MANIFEST) for z in "xy")
    pd.testing.assert_frame_equal(first.drop(columns="path"), second.drop(columns="path"))


def test_more_mixtures_begin_with_those_of_fewer(catalogued: list[Photograph], tmp_path: Path) -> None:
    make_shard(catalogued[:1], MIXED, tmp_path / "six", 1)
    make_shard(catalogued[:1], MIXED | {"per_image": 9}, tmp_path / "nine", 1)
    six, nine = contents(tmp_path / "six"), contents(tmp_path / "nine")
    assert len(nine) == 9
    assert {name: nine[name] for name in six} == six


def test_a_relative_output_stays_relative(
    catalogued: list[Photograph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_shard(catalogued[:1], NOISE, PurePath("results/d/c/g/0"), 1)
    rows = read_table("results/d/c/g/0/manifest.parquet", MANIFEST)
    assert rows["path"].str.startswith("results/d/c/g/0/a-one-").all()


def test_an_empty_shard_is_an_empty_manifest(tmp_path: Path) -> None:
    assert shard([], NOISE, tmp_path / "out", workers=2).empty
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.parquet"]


def test_names_are_flat_portable_and_different() -> None:
    ids = ["a/b.png", "a_b.png", "a-b.png", "a/b.jpg", "A/b.png", "ä/b.png", "x" * 300 + ".png", "...png"]
    names = [flat_name(image_id) for image_id in ids]
    assert len({name.lower() for name in names}) == len(ids)
    assert all(len(name) < 100 and "/" not in name and name.isascii() for name in names)
    assert names[0].startswith("a-b-")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_changed_photograph_leaves_nothing_behind(
    catalogued: list[Photograph], tmp_path: Path, workers: int
) -> None:
    victim = Path(catalogued[2].path)
    victim.write_bytes(victim.read_bytes() + b"x")
    with pytest.raises(MosforgeError, match=r"two words.*has changed since it was catalogued"):
        make_shard(catalogued, NOISE, tmp_path / "out", workers)
    assert [path.name for path in tmp_path.iterdir()] == ["photographs"]


def test_a_missing_photograph_is_named(catalogued: list[Photograph], tmp_path: Path) -> None:
    Path(catalogued[1].path).unlink()
    with pytest.raises(MosforgeError, match=r"b/one\.png: No such file"):
        make_shard(catalogued, NOISE, tmp_path / "out", 1)


def test_a_failed_run_keeps_the_shard_of_an_earlier_one(catalogued: list[Photograph], tmp_path: Path) -> None:
    make_shard(catalogued, NOISE, tmp_path / "out", 1)
    before = contents(tmp_path / "out")
    Path(catalogued[3].path).unlink()
    with pytest.raises(MosforgeError):
        make_shard(catalogued, NOISE, tmp_path / "out", 1)
    assert contents(tmp_path / "out") == before


def test_a_small_photograph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    Image.new("RGB", (160, 300)).save(path)
    small = Photograph("s", "small.png", path.as_posix(), sha256_of_file(path))
    with pytest.raises(MosforgeError, match="160x300 pixels; both sides need at least 161"):
        make_shard([small], NOISE, tmp_path / "out", 1)


def test_a_full_disk_is_told(
    catalogued: list[Photograph], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, file: bytes) -> int:
        with Path("/dev/full").open("wb") as device:
            device.write(file)
        return len(file)

    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr(photograph_module.Path, "write_bytes", full)
    with pytest.raises(MosforgeError, match="No space left on device"):
        make_shard(catalogued, NOISE, tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["photographs"]
