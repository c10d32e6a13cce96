"""The catalogue: what is kept, what is set aside and why, and that nothing else decides the result."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.sources.catalogue import build_catalogue, catalogue, images_in
from mosforge.sources.settings import CatalogueSettings

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


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


def catalogue_of(folder: Path, **options: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    settings_ = {"shard_size": 2, "smallest_side": 161, "threads": 2} | options
    return build_catalogue("test", images_in("test", folder), **settings_)


def reasons(excluded: pd.DataFrame) -> dict[str, str]:
    return dict(zip(excluded["image_id"], excluded["reason"], strict=True))


def test_images_are_sorted_described_and_cut_into_shards(tmp_path: Path) -> None:
    put(tmp_path, "b/two words (1).JPG", encoded(image(seed=1), "JPEG"))
    put(tmp_path, "a.png", encoded(image(300, 170, seed=2), "PNG"))
    put(tmp_path, "c.bmp", encoded(image(seed=3), "BMP"))
    put(tmp_path, "notes.txt", b"not an image")
    kept, excluded = catalogue_of(tmp_path)
    assert kept["image_id"].tolist() == ["a.png", "b/two words (1).JPG", "c.bmp"]
    assert kept["shard"].tolist() == [0, 0, 1]
    assert kept[["width", "height"]].iloc[0].tolist() == [300, 170]
    assert kept["format"].tolist() == ["PNG", "JPEG", "BMP"]
    assert set(kept["mode"]) == {"RGB"}
    assert kept["path"].iloc[1] == (tmp_path / "b/two words (1).JPG").as_posix()
    assert excluded.empty


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    data = b"P6\n161 161\n255\n" + bytes(161 * 161 * 3)
    put(tmp_path, "black.ppm", data)
    kept, _ = catalogue_of(tmp_path)
    # sha256sum of the same bytes
    assert kept["sha256"].iloc[0] == "b21b9192c631c7020d8dbe09de13401ef24eeb4e0f48e3c2452fddcdd706bae6"


def test_orientation_in_exif_is_honoured(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    put(tmp_path, "turned.jpg", encoded(image(300, 200), "JPEG", exif=exif))
    kept, _ = catalogue_of(tmp_path)
    assert kept[["width", "height"]].iloc[0].tolist() == [200, 300]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "I;16"])
def test_other_colour_modes_are_kept_with_their_mode(tmp_path: Path, mode: str) -> None:
    converted = image().convert("L").convert("I;16") if mode == "I;16" else image().convert(mode)
    put(tmp_path, "x.tif", encoded(converted, "TIFF"))
    kept, _ = catalogue_of(tmp_path)
    assert kept["mode"].tolist() == [mode]


def test_twins_are_kept_once_and_named(tmp_path: Path) -> None:
    data = encoded(image(), "PNG")
    for name in ("b.png", "a.png", "c/d.png"):
        put(tmp_path, name, data)
    kept, excluded = catalogue_of(tmp_path)
    assert kept["image_id"].tolist() == ["a.png"]
    assert reasons(excluded) == {"b.png": "the same file as a.png", "c/d.png": "the same file as a.png"}


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
    kept, excluded = catalogue_of(tmp_path)
    assert kept["image_id"].tolist() == ["good.png"]
    found = reasons(excluded)
    for name, word in {
        "cut.jpg": "truncated",
        "cut.png": "truncated",
        "empty.jpg": "not a",
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
    _, excluded = catalogue_of(tmp_path)
    write_table(tmp_path / "excluded.parquet", EXCLUDED, excluded, stage="sources", cfg={})
    stored = read_table(tmp_path / "excluded.parquet", EXCLUDED)
    assert stored["reason"].tolist() == ["the file's name is not valid UTF-8"]


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
    expected = build_catalogue("test", images, 2, 161)
    shuffled = build_catalogue("test", [images[place] for place in order], 2, 161, threads)
    for one, other in zip(expected, shuffled, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_missing_folder_names_the_command_that_says_how_to_obtain_it(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"nowhere: .* source w is missing; `mosforge sources check w`"):
        images_in("w", tmp_path / "nowhere")


def test_more_images_than_declared_are_an_error_and_fewer_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.png", "b.png"):
        put(tmp_path, name, b"")
    with pytest.raises(MosforgeError, match=r"2 images .* sources\.collections\.w\.images = 1"):
        images_in("w", tmp_path, expected=1)
    assert len(images_in("w", tmp_path, expected=3)) == 2
    assert "2 images found, 3 expected" in caplog.text


def test_folder_without_a_usable_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"source test: there is no image .*\.bmp \.jp2 "):
        catalogue_of(tmp_path)
    put(tmp_path, "x.jpg", b"no")
    with pytest.raises(MosforgeError, match=r"none of the 1 images can be used \(.*x\.jpg: not a"):
        catalogue_of(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared images are not here")
def test_real_images_are_all_kept() -> None:
    folder = SHARED / "pristine" / "kodak24"
    kept, excluded = build_catalogue("kodak24", images_in("kodak24", folder, expected=24), 10, 161, 2)
    assert excluded.empty
    assert kept["shard"].value_counts().sort_index().tolist() == [10, 10, 4]
    assert {tuple(sorted(size)) for size in kept[["width", "height"]].to_numpy().tolist()} == {(512, 768)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(cfg: dict[str, object], dataset: Path | None = None) -> pd.DataFrame:
    """The catalogue that the job writes."""
    settings_ = CatalogueSettings.model_validate(cfg)
    output, excluded = Path("c.parquet"), Path("e.parquet")
    catalogue("mine", output=output, excluded=excluded, cfg=settings_, dataset=dataset, threads=2)
    return read_table(output, CATALOGUE)


def test_the_job_catalogues_a_folder(here: Path) -> None:
    for number in range(3):
        put(here / "photos", f"{number}.png", encoded(image(seed=number), "PNG"))
    put(here / "photos", "bad.jpg", b"bad")
    cfg = {"folder": "photos", "images": 4, "shard_size": 2, "smallest_side": 161}
    rows = run(cfg)
    assert rows["path"].tolist() == [f"photos/{number}.png" for number in range(3)]
    assert rows["shard"].tolist() == [0, 0, 1]
    assert read_table("e.parquet", EXCLUDED)["image_id"].tolist() == ["bad.jpg"]
    assert read_stamp("c.parquet")["cfg"] == read_stamp("e.parquet")["cfg"] == cfg


def test_the_job_catalogues_the_images_of_a_dataset(here: Path) -> None:
    rows = []
    for number in range(2):
        put(here, f"data/images/{number}.png", encoded(image(seed=number), "PNG"))
        rows.append((f"name {number}.png", f"data/images/{number}.png", "x", 1.0, 0.5))
    dataset = pd.DataFrame(rows, columns=["image", "path", "reference", "mos", "quality"])
    write_table("d.parquet", DATASET, dataset, stage="finetuning", cfg={})
    rows = run({"shard_size": 100, "smallest_side": 161}, Path("d.parquet"))
    assert rows["image_id"].tolist() == ["name 0.png", "name 1.png"]
    assert rows["path"].tolist() == ["data/images/0.png", "data/images/1.png"]
