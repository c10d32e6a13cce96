"""The files of a shard: what is used, what is set aside and why, and that nothing else decides the result."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.layout import shard_of
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.sources import FILES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.sources.catalogue_shard import catalogue_shard, images_in, read_images
from mosforge.sources.settings import CatalogueShardSettings


def image(width: int = 200, height: int = 180, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def used_in(folder: Path) -> pd.DataFrame:
    """The rows of the files that are used."""
    files = read_images(images_in("test", folder), 161, threads=2)
    return files[files["reason"].isna()].reset_index(drop=True)


def reasons(files: pd.DataFrame) -> dict[str, str]:
    return dict(files.loc[files["reason"].notna(), ["image_id", "reason"]].itertuples(index=False))


def test_images_are_sorted_and_described(tmp_path: Path) -> None:
    put(tmp_path, "b/two words (1).JPG", encoded(image(seed=1), "JPEG"))
    put(tmp_path, "a.png", encoded(image(300, 170, seed=2), "PNG"))
    put(tmp_path, "c.bmp", encoded(image(seed=3), "BMP"))
    put(tmp_path, "notes.txt", b"not an image")
    kept = used_in(tmp_path)
    assert kept["image_id"].tolist() == ["a.png", "b/two words (1).JPG", "c.bmp"]
    assert kept[["width", "height"]].iloc[0].tolist() == [300, 170]
    assert kept["format"].tolist() == ["PNG", "JPEG", "BMP"]
    assert set(kept["mode"]) == {"RGB"}
    assert kept["path"].iloc[1] == (tmp_path / "b/two words (1).JPG").as_posix()


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    data = b"P6\n161 161\n255\n" + bytes(161 * 161 * 3)
    put(tmp_path, "black.ppm", data)
    kept = used_in(tmp_path)
    # sha256sum of the same bytes
    assert kept["sha256"].iloc[0] == "b21b9192c631c7020d8dbe09de13401ef24eeb4e0f48e3c2452fddcdd706bae6"


def test_orientation_in_exif_is_honoured(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    put(tmp_path, "turned.jpg", encoded(image(300, 200), "JPEG", exif=exif))
    kept = used_in(tmp_path)
    assert kept[["width", "height"]].iloc[0].tolist() == [200, 300]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "I;16"])
def test_other_colour_modes_are_kept_with_their_mode(tmp_path: Path, mode: str) -> None:
    converted = image().convert("L").convert("I;16") if mode == "I;16" else image().convert(mode)
    put(tmp_path, "x.tif", encoded(converted, "TIFF"))
    kept = used_in(tmp_path)
    assert kept["mode"].tolist() == [mode]


def test_unusable_files_are_set_aside_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosforge.core.images.MAX_PIXELS", 1_000_000)
    put(tmp_path, "good.png", encoded(image(), "PNG"))
    jpeg, png = encoded(image(seed=1), "JPEG"), encoded(image(seed=2), "PNG")
    put(tmp_path, "cut.jpg", jpeg[: len(jpeg) // 2])
    put(tmp_path, "cut.png", png[: len(png) // 2])
    put(tmp_path, "empty.jpg", b"")
    put(tmp_path, "text.jpg", b"<html>404</html>")
    put(tmp_path, "small.png", encoded(image(160, 400), "PNG"))
    put(tmp_path, "bomb.png", encoded(Image.new("L", (1001, 1000)), "PNG"))
    moving = [image(seed=seed) for seed in (3, 4)]
    put(tmp_path, "moving.webp", encoded(moving[0], "WEBP", save_all=True, append_images=moving[1:]))
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/null")  # like a pipe, which reading would wait for
    files = read_images(images_in("test", tmp_path), 161, threads=2)
    assert files.loc[files["reason"].isna(), "image_id"].tolist() == ["good.png"]
    is_read = files["sha256"].notna()
    assert files.loc[~is_read, "image_id"].tolist() == ["device.jpg", "gone.jpg"]
    found = reasons(files)
    for name, word in {
        "cut.jpg": "truncated",
        "cut.png": "truncated",
        "empty.jpg": "empty",
        "text.jpg": "not a",
        "small.png": "160x400 pixels: a side is shorter than 161",
        "bomb.png": "1001x1000 pixels are more than",
        "moving.webp": "animated",
        "gone.jpg": "No such file",
        "device.jpg": "not a regular file",
    }.items():
        assert word in found.pop(name), name
    assert found == {}


def test_name_in_another_encoding_is_set_aside_and_can_be_stored(tmp_path: Path) -> None:
    put(tmp_path, "good.png", encoded(image(), "PNG"))
    try:
        put(tmp_path, "caf\udce9.png", encoded(image(seed=1), "PNG"))
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    cfg = CatalogueShardSettings(shards=1, smallest_side=161, folder=str(tmp_path))
    catalogue_shard("mine", 0, output=tmp_path / "files.parquet", cfg=cfg)
    stored = read_table(tmp_path / "files.parquet", FILES)
    assert list(reasons(stored).values()) == ["the file's name is not valid UTF-8"]


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(6)), threads=st.integers(1, 4))
def test_neither_order_nor_threads_change_the_result(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], threads: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "permuted"
    if not folder.exists():
        for number in range(6):
            put(folder, f"{number}.png", encoded(image(161 + number // 2, 161, seed=number // 2), "PNG"))
    images = images_in("test", folder)
    shuffled = read_images([images[place] for place in order], 161, threads)
    pd.testing.assert_frame_equal(read_images(images, 161), shuffled)


def test_missing_folder_names_the_command_that_says_how_to_obtain_it(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"nowhere: .* source w is missing; `mosforge sources check w`"):
        images_in("w", tmp_path / "nowhere")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(shards: int, dataset: Path | None = None, folder: str | None = None) -> list[pd.DataFrame]:
    """The tables that the jobs of all shards write."""
    given = {} if folder is None else {"folder": folder, "listing": "0"}
    cfg = CatalogueShardSettings(shards=shards, smallest_side=161, **given)
    tables = []
    for number in range(shards):
        output = Path(f"{number}.parquet")
        catalogue_shard("mine", number, output=output, cfg=cfg, dataset=dataset, threads=2)
        assert read_stamp(output)["cfg"] == cfg.plain()
        tables.append(read_table(output, FILES))
    return tables


def test_each_file_of_a_folder_is_in_the_shard_of_its_id(here: Path) -> None:
    for number in range(5):
        put(here / "photos", f"{number}.png", encoded(image(seed=number), "PNG"))
    put(here / "photos", "bad.jpg", b"bad")
    tables = run(8, folder="photos")
    placed = {image_id: number for number, rows in enumerate(tables) for image_id in rows["image_id"]}
    assert placed == {name: shard_of(name, 8) for name in ("bad.jpg", *(f"{n}.png" for n in range(5)))}
    assert any(rows.empty for rows in tables)
    joined = pd.concat(tables)
    assert reasons(joined).keys() == {"bad.jpg"}
    assert set(joined["source"]) == {"mine"}
    assert set(joined["path"]) == {f"photos/{name}" for name in placed}


def test_a_further_image_changes_the_bytes_of_one_shard(here: Path) -> None:
    for number in range(4):
        put(here / "photos", f"{number}.png", encoded(image(seed=number), "PNG"))
    run(4, folder="photos")
    before = [Path(f"{number}.parquet").read_bytes() for number in range(4)]
    put(here / "photos", "a first one.png", encoded(image(seed=9), "PNG"))
    run(4, folder="photos")
    after = [Path(f"{number}.parquet").read_bytes() for number in range(4)]
    changed = [number for number in range(4) if before[number] != after[number]]
    assert changed == [shard_of("a first one.png", 4)]


def test_the_images_of_a_dataset(here: Path) -> None:
    rows = []
    for number in range(3):
        put(here, f"data/images/{number}.png", encoded(image(seed=number), "PNG"))
        rows.append((f"name {number}.png", f"data/images/{number}.png", "x", 1.0, 0.5))
    dataset = pd.DataFrame(rows, columns=["image", "path", "reference", "mos", "quality"])
    write_table("d.parquet", DATASET, dataset, stage="finetuning", cfg={})
    joined = pd.concat(run(2, Path("d.parquet"))).sort_values("image_id")
    assert joined["image_id"].tolist() == [f"name {number}.png" for number in range(3)]
    assert joined["path"].tolist() == [f"data/images/{number}.png" for number in range(3)]
