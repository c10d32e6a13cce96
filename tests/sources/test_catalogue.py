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
from mosforge.core.schemas.sources import EXCLUDED
from mosforge.core.tables import read_table, write_table
from mosforge.sources.catalogue import build_catalogue, photographs_in

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def picture(width: int = 200, height: int = 180, seed: int = 0) -> Image.Image:
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
    return build_catalogue("test", photographs_in("test", folder), **settings_)


def reasons(excluded: pd.DataFrame) -> dict[str, str]:
    return dict(zip(excluded["image_id"], excluded["reason"], strict=True))


def test_photographs_are_sorted_described_and_cut_into_shards(tmp_path: Path) -> None:
    put(tmp_path, "b/two words (1).JPG", encoded(picture(seed=1), "JPEG"))
    put(tmp_path, "a.png", encoded(picture(300, 170, seed=2), "PNG"))
    put(tmp_path, "c.bmp", encoded(picture(seed=3), "BMP"))
    put(tmp_path, "notes.txt", b"not a picture")
    catalogue, excluded = catalogue_of(tmp_path)
    assert catalogue["image_id"].tolist() == ["a.png", "b/two words (1).JPG", "c.bmp"]
    assert catalogue["shard"].tolist() == [0, 0, 1]
    assert catalogue[["width", "height"]].iloc[0].tolist() == [300, 170]
    assert catalogue["format"].tolist() == ["PNG", "JPEG", "BMP"]
    assert set(catalogue["mode"]) == {"RGB"}
    assert catalogue["path"].iloc[1] == (tmp_path / "b/two words (1).JPG").as_posix()
    assert excluded.empty


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    data = b"P6\n161 161\n255\n" + bytes(161 * 161 * 3)
    put(tmp_path, "black.ppm", data)
    catalogue, _ = catalogue_of(tmp_path)
    # sha256sum of the same bytes
    assert catalogue["sha256"].iloc[0] == "b21b9192c631c7020d8dbe09de13401ef24eeb4e0f48e3c2452fddcdd706bae6"


def test_orientation_in_exif_is_honoured(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    put(tmp_path, "turned.jpg", encoded(picture(300, 200), "JPEG", exif=exif))
    catalogue, _ = catalogue_of(tmp_path)
    assert catalogue[["width", "height"]].iloc[0].tolist() == [200, 300]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "I;16"])
def test_other_colour_modes_are_kept_with_their_mode(tmp_path: Path, mode: str) -> None:
    image = picture().convert("L").convert("I;16") if mode == "I;16" else picture().convert(mode)
    put(tmp_path, "x.tif", encoded(image, "TIFF"))
    catalogue, _ = catalogue_of(tmp_path)
    assert catalogue["mode"].tolist() == [mode]


def test_twins_are_kept_once_and_named(tmp_path: Path) -> None:
    data = encoded(picture(), "PNG")
    for name in ("b.png", "a.png", "c/d.png"):
        put(tmp_path, name, data)
    catalogue, excluded = catalogue_of(tmp_path)
    assert catalogue["image_id"].tolist() == ["a.png"]
    assert reasons(excluded) == {"b.png": "the same file as a.png", "c/d.png": "the same file as a.png"}


def test_unusable_files_are_set_aside_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosforge.core.images.MAX_PIXELS", 1_000_000)
    put(tmp_path, "good.png", encoded(picture(), "PNG"))
    jpeg, png = encoded(picture(seed=1), "JPEG"), encoded(picture(seed=2), "PNG")
    put(tmp_path, "cut.jpg", jpeg[: len(jpeg) // 2])
    put(tmp_path, "cut.png", png[: len(png) // 2])
    put(tmp_path, "empty.jpg", b"")
    put(tmp_path, "text.jpg", b"<html>404</html>")
    put(tmp_path, "small.png", encoded(picture(160, 400), "PNG"))
    put(tmp_path, "bomb.png", encoded(Image.new("L", (1001, 1000)), "PNG"))
    moving = [picture(seed=seed) for seed in (3, 4)]
    put(tmp_path, "moving.webp", encoded(moving[0], "WEBP", save_all=True, append_images=moving[1:]))
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/null")  # like a pipe, which reading would wait for
    catalogue, excluded = catalogue_of(tmp_path)
    assert catalogue["image_id"].tolist() == ["good.png"]
    told = reasons(excluded)
    for name, word in {
        "cut.jpg": "truncated",
        "cut.png": "truncated",
        "empty.jpg": "not an image",
        "text.jpg": "not an image",
        "small.png": "160x400 pixels: a side is shorter than 161",
        "bomb.png": "1001x1000 pixels are more than",
        "moving.webp": "animated",
        "gone.jpg": "No such file",
        "device.jpg": "not a regular file",
    }.items():
        assert word in told.pop(name), name
    assert told == {}


def test_name_in_another_encoding_is_set_aside_and_can_be_stored(tmp_path: Path) -> None:
    put(tmp_path, "good.png", encoded(picture(), "PNG"))
    try:
        put(tmp_path, "caf\udce9.png", encoded(picture(seed=1), "PNG"))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
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
            put(folder, f"{number}.png", encoded(picture(161 + number // 2, 161, seed=number // 2), "PNG"))
    photographs = photographs_in("test", folder)
    expected = build_catalogue("test", photographs, 2, 161)
    shuffled = build_catalogue("test", [photographs[place] for place in order], 2, 161, threads)
    for one, other in zip(expected, shuffled, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_missing_folder_names_the_command_that_says_how_to_obtain_it(tmp_path: Path) -> None:
    with pytest.raises(
        MosforgeError, match=r"nowhere: the folder of source w is missing; `mosforge sources check w` says"
    ):
        photographs_in("w", tmp_path / "nowhere")


def test_more_pictures_than_declared_is_an_error_and_fewer_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.png", "b.png"):
        put(tmp_path, name, b"")
    with pytest.raises(
        MosforgeError, match=r"2 pictures are more than sources\.collections\.w\.images = 1; correct"
    ):
        photographs_in("w", tmp_path, images=1)
    assert len(photographs_in("w", tmp_path, images=3)) == 2
    assert "2 pictures found, 3 expected" in caplog.text


def test_folder_without_a_usable_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        MosforgeError, match=r"there is no picture in its folder; put images there \(\.bmp \.jp2 "
    ):
        catalogue_of(tmp_path)
    put(tmp_path, "x.jpg", b"no")
    with pytest.raises(MosforgeError, match=r"none of the 1 pictures can be used \(.*x\.jpg: not an image"):
        catalogue_of(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared photographs are not here")
def test_real_photographs_are_all_kept() -> None:
    folder = SHARED / "pristine" / "kodak24"
    catalogue, excluded = build_catalogue("kodak24", photographs_in("kodak24", folder, images=24), 10, 161, 2)
    assert excluded.empty
    assert catalogue["shard"].value_counts().sort_index().tolist() == [10, 10, 4]
    assert {tuple(sorted(size)) for size in catalogue[["width", "height"]].to_numpy().tolist()} == {
        (512, 768)
    }
