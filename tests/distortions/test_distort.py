"""The job `distort`: what it writes, and that only the reference image and `cfg` decide the bytes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
from mosforge.core.schemas.sources import FILES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.distortions import render
from mosforge.distortions.distort import distort
from mosforge.distortions.kinds import SYNTHETIC
from mosforge.distortions.render import flat_name
from mosforge.distortions.settings import DistortSettings

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


def run(files: Path, cfg: dict, output: Path, threads: int = 1) -> pd.DataFrame:
    """The manifest of a shard that is made."""
    distort(files, output=output, cfg=DistortSettings.model_validate(cfg), threads=threads)
    return read_table(output / "manifest.parquet", MANIFEST)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".parquet"}


def images_of(files: Path) -> list[Path]:
    return [Path(path) for path in read_table(files, FILES)["path"]]


def edited(files: Path, output: Path, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    rows = edit(read_table(files, FILES))
    write_table(output, FILES, rows, stage="sources", cfg={})
    return output


@pytest.fixture
def last(files: Path, tmp_path: Path) -> Path:
    """A shard with the last of the four images."""
    return edited(files, tmp_path / "last.parquet", lambda rows: rows[3:4])


def test_the_manifest_says_what_was_written(files: Path, tmp_path: Path) -> None:
    rows = run(files, NOISE, tmp_path / "out")
    used = read_table(files, FILES)[:4]
    assert len(rows) == len(contents(tmp_path / "out")) == 8
    assert rows["image_id"].tolist() == used["image_id"].repeat(2).tolist()
    assert rows["reference"].tolist() == used["path"].repeat(2).tolist()
    assert rows["level"].tolist() == [1, 2] * 4
    assert rows["class_index"].tolist() == [5, 6] * 4
    assert rows["labels"].isna().all()
    assert set(rows["group"]) == {"white_noise"}
    assert rows["path"].is_unique
    for row in rows.itertuples():
        assert Path(row.path).stat().st_size == row.bytes
        assert sha256_of_file(row.path) == row.sha256
        assert Path(row.path).parent == tmp_path / "out"
        made = read_rgb(row.path)
        assert made.shape == (row.height, row.width, 3)
        rng = np.random.Generator(np.random.PCG64(row.seed))
        parameter = NOISE["levels"][row.level - 1]
        expected = SYNTHETIC["white_noise"].apply(read_rgb(row.reference), parameter, rng)
        assert np.array_equal(made, expected)
    assert read_stamp(tmp_path / "out" / "manifest.parquet")["cfg"] == NOISE


@pytest.mark.parametrize(("first", "images"), [(0, 4), (3, 1), (4, 0), (5, 0)])
def test_the_command_distorts_its_shard(files: Path, tmp_path: Path, first: int, images: int) -> None:
    edited(files, files, lambda rows: rows[first:])
    output = tmp_path / "shard"
    cfg = NOISE | {"type": "pink_noise", "levels": [0.3], "png_compression": 0}
    words = ["--files", files, "--output", output, "--cfg", json.dumps(cfg)]
    assert main(["distortions", "distort", *map(str, words), "--threads", "2"]) == 0
    assert len(read_table(output / "manifest.parquet", MANIFEST)) == images
    assert len(list(output.glob("*.png"))) == images


def test_mixtures_have_labels_and_store_jpeg_as_it_is(files: Path, tmp_path: Path) -> None:
    rows = run(files, MIXED, tmp_path / "out")
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


def test_an_undistorted_image_is_the_reference_image_without_loss(files: Path, tmp_path: Path) -> None:
    undistorted = NOISE | {"type": "undistorted", "levels": [0], "first_class": 39}
    rows = run(files, undistorted, tmp_path / "type")
    assert (rows["level"].tolist(), rows["class_index"].tolist()) == ([1] * 4, [39] * 4)
    for row in rows.itertuples():
        assert row.path.endswith(".png")
        assert np.array_equal(read_rgb(row.path), read_rgb(row.reference))


@pytest.mark.parametrize(("name", "suffix"), [("jpeg", ".jpg"), ("jpeg2000", ".jp2")])
def test_codecs_are_stored_as_their_bitstream(last: Path, tmp_path: Path, name: str, suffix: str) -> None:
    level = {"jpeg": 12, "jpeg2000": 0.46}[name]
    cfg = {"kind": "synthetic", "type": name, "levels": [level], "first_class": 5, "seed": 0}
    rows = run(last, cfg, tmp_path / "out")
    path = Path(rows["path"][0])
    encode = SYNTHETIC[name].encode
    assert encode is not None
    assert path.suffix == suffix
    assert path.read_bytes() == encode(read_rgb(rows["reference"][0]), level)


def test_an_unknown_type_is_named(files: Path, tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="no synthetic distortion type 'fog'; there are gaussian_blur,"):
        run(files, NOISE | {"type": "fog"}, tmp_path / "out")


@pytest.mark.parametrize("cfg", [NOISE, MIXED], ids=["synthetic", "authentic"])
def test_the_same_bytes_for_any_shard_order_and_company(files: Path, tmp_path: Path, cfg: dict) -> None:
    run(files, cfg, tmp_path / "all")
    single: dict[str, bytes] = {}
    for number in range(4):
        one = edited(files, tmp_path / "one.parquet", lambda rows: rows[number : number + 1])  # noqa: B023
        run(one, cfg, tmp_path / f"single{number}")
        single |= contents(tmp_path / f"single{number}")
    assert contents(tmp_path / "all") == single

    def with_a_stranger(rows: pd.DataFrame) -> pd.DataFrame:
        stranger = rows[:1].assign(source="another", image_id="stranger.png")
        return pd.concat([stranger, rows[::-1]], ignore_index=True)

    run(edited(files, tmp_path / "more.parquet", with_a_stranger), cfg, tmp_path / "company")
    company = contents(tmp_path / "company")
    assert {name: file for name, file in company.items() if name in single} == single
    assert len(company) > len(single)


@pytest.mark.slow
def test_the_same_bytes_with_another_number_of_shards_and_with_another_source(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "images"
    Path("other").mkdir()
    Image.fromarray(data.coffee()[:180, :180]).save("other/cup.png")

    def images(name: str, source: Path, shards: int) -> dict[str, bytes]:
        """The files in a source's shards, by their names."""
        cfg = {"folder": source.as_posix(), "shards": shards, "smallest_side": 161, "listing": ""}
        found, read = {}, 0
        for number in range(shards):
            words = ["--name", name, "--number", str(number), "--output", "files.parquet"]
            assert main(["sources", "catalogue_shard", *words, "--cfg", json.dumps(cfg)]) == 0
            output = Path(f"{shards}/{name}-{number}")
            run(Path("files.parquet"), NOISE, output)
            found |= contents(output)
            read += len(read_table("files.parquet", FILES))
        assert read == len([path for path in source.rglob("*") if path.is_file()])
        return found

    usual = images("s", folder, 2)
    assert len(usual) == 2 * 4
    assert images("s", folder, 8) == usual
    assert images("other", Path("other"), 2).keys().isdisjoint(usual)
    assert images("s", folder, 1) == usual
    Image.fromarray(data.coffee()[:180, :180]).save(folder / "a first one.png")
    more = images("s", folder, 2)
    assert len(more) == len(usual) + 2
    assert usual.items() <= more.items()


@pytest.mark.slow
def test_the_same_bytes_for_any_number_of_processes_and_hash_seed(files: Path, tmp_path: Path) -> None:
    first = run(files, MIXED, tmp_path / "x" / "out")
    words = ["--files", files, "--output", tmp_path / "y" / "out", "--threads", 2]
    command = [sys.executable, "-m", "mosforge", "distortions", "distort", *map(str, words)]
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([*command, "--cfg", json.dumps(MIXED)], check=True, env=environment)
    assert contents(tmp_path / "x" / "out") == contents(tmp_path / "y" / "out")
    second = read_table(tmp_path / "y" / "out" / "manifest.parquet", MANIFEST)
    pd.testing.assert_frame_equal(first.drop(columns="path"), second.drop(columns="path"))


def test_more_mixtures_begin_with_those_of_fewer(last: Path, tmp_path: Path) -> None:
    run(last, MIXED, tmp_path / "six")
    run(last, MIXED | {"per_image": 9}, tmp_path / "nine")
    six, nine = contents(tmp_path / "six"), contents(tmp_path / "nine")
    assert len(nine) == 9
    assert {name: nine[name] for name in six} == six


def test_a_relative_output_stays_relative(
    last: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = run(last, NOISE, Path("results/d/c/g/0"))
    assert rows["path"].str.startswith("results/d/c/g/0/mlaut-").all()


def test_an_empty_shard_is_an_empty_manifest(files: Path, tmp_path: Path) -> None:
    empty = edited(files, tmp_path / "empty.parquet", lambda rows: rows[:0])
    assert run(empty, NOISE, tmp_path / "out", threads=2).empty
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.parquet"]


def test_names_are_flat_portable_and_different() -> None:
    ids = ["a/b.png", "a_b.png", "a-b.png", "a/b.jpg", "A/b.png", "ä/b.png", "x" * 300 + ".png", "...png"]
    names = [flat_name(image_id) for image_id in ids]
    assert len({name.lower() for name in names}) == len(ids)
    assert all(len(name) < 100 and "/" not in name and name.isascii() for name in names)
    assert names[0].startswith("a-b-")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_changed_image_leaves_nothing_behind(files: Path, tmp_path: Path, threads: int) -> None:
    changed = images_of(files)[2]
    changed.write_bytes(changed.read_bytes() + b"x")
    with pytest.raises(MosforgeError, match=r"two words.*has changed since it was catalogued"):
        run(files, NOISE, tmp_path / "out", threads=threads)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["garden.parquet", "images"]


def test_a_missing_image_is_named(files: Path, tmp_path: Path) -> None:
    images_of(files)[1].unlink()
    with pytest.raises(MosforgeError, match=r"b/one\.png: No such file"):
        run(files, NOISE, tmp_path / "out")


def test_a_failed_run_keeps_the_shard_of_an_earlier_one(files: Path, tmp_path: Path) -> None:
    run(files, NOISE, tmp_path / "out")
    before = contents(tmp_path / "out")
    images_of(files)[2].unlink()
    with pytest.raises(MosforgeError):
        run(files, NOISE, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_small_image_is_refused(files: Path, tmp_path: Path) -> None:
    path = images_of(files)[0]
    Image.new("RGB", (160, 300)).save(path)
    small = edited(files, files, lambda rows: rows[:1].assign(sha256=sha256_of_file(path)))
    with pytest.raises(MosforgeError, match="160x300 pixels; both sides need at least 161"):
        run(small, NOISE, tmp_path / "out")


def test_a_full_disk_is_reported(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, file: bytes) -> int:
        with Path("/dev/full").open("wb") as device:
            device.write(file)
        return len(file)

    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr(render.Path, "write_bytes", full)
    with pytest.raises(MosforgeError, match="No space left on device"):
        run(files, NOISE, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["garden.parquet", "images"]
