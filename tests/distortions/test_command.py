"""The commands for people, as they are typed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mosforge.cli import build_parser
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.tables import read_table
from mosforge.distortions.codecs import decode, encode_jpeg
from mosforge.distortions.distort import distort
from mosforge.distortions.settings import DistortSettings

CFG = {
    "kind": "synthetic",
    "type": "pink_noise",
    "levels": [0.3],
    "first_class": 25,
    "seed": 0,
    "png_compression": 0,
}


def mosforge(*words: object) -> None:
    arguments = build_parser().parse_args([str(word) for word in words])
    arguments.run(arguments)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands work in any folder, and use the paper's configuration there."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


@pytest.fixture
def image(tmp_path: Path, coffee: Pixels) -> Path:
    path = tmp_path / "image.png"
    Image.fromarray(coffee).save(path)
    return path


def test_distort_repeats_an_image_of_a_manifest(files: Path, tmp_path: Path) -> None:
    distort(files, output=tmp_path / "s", cfg=DistortSettings.model_validate(CFG))
    row = read_table(tmp_path / "s" / "manifest.parquet", MANIFEST).iloc[0]
    again = tmp_path / "again.png"
    options = ("--type", row["group"], "--level", row["level"], "--seed", row["seed"])
    mosforge("distort", row["reference"], *options, "-o", again)
    assert np.array_equal(read_rgb(again), read_rgb(row["path"]))


def test_distort_writes_the_codecs_bitstream_or_its_pixels(
    image: Path, tmp_path: Path, coffee: Pixels
) -> None:
    for name in ("out.jpg", "out.png"):
        words = ("--type", "jpeg", "--level", 2, "-o", tmp_path / name)
        mosforge("distort", image, *words)
    assert (tmp_path / "out.jpg").read_bytes() == encode_jpeg(coffee, 12)
    assert np.array_equal(read_rgb(tmp_path / "out.png"), decode(encode_jpeg(coffee, 12)))


def test_distort_warns_of_a_second_distortion(
    image: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ("--type", "contrast", "--level", 1, "-o", tmp_path / "o.jpg")
    mosforge("distort", image, *words)
    assert "JPEG adds a distortion of its own" in caplog.text
    assert read_rgb(tmp_path / "o.jpg").shape == (300, 400, 3)


def test_distort_and_classes_know_kadids_types(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--corpus", "kadid25")
    mosforge("distort", image, "--type", "jpeg2000", "--level", 5, *words, "-o", tmp_path / "a.jp2")
    assert (tmp_path / "a.jp2").stat().st_size == pytest.approx(300 * 400 * 3 / 400, rel=0.05)
    mosforge("classes", "--format", "json", *words)
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 125
    assert rows[40] == {"index": 40, "type": "jpeg2000", "level": 1, "parameter": 16}


def test_distort_knows_the_authentic_types(image: Path, tmp_path: Path) -> None:
    words = ("--type", "chromatic_aberration", "--level", 3, "--corpus", "authentic")
    mosforge("distort", image, *words, "--seed", 1, "-o", tmp_path / "a.png")
    mosforge("distort", image, *words, "--seed", 2, "-o", tmp_path / "b.png")
    assert not np.array_equal(read_rgb(tmp_path / "a.png"), read_rgb(tmp_path / "b.png"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--type", "fog", "--level", 1), "no synthetic distortion type 'fog'; there are gaussian_blur, .*"),
        (("--type", "jpeg", "--level", 6), "no level 6 of jpeg; its levels are 1 to 5"),
        (("--type", "jpeg", "--level", 0), "no level 0 of jpeg"),
        (("--type", "jpeg", "--level", 1, "--config", "nowhere.yaml"), "nowhere.yaml: no such config"),
    ],
)
def test_distort_refuses_in_a_sentence(image: Path, tmp_path: Path, words: tuple, message: str) -> None:
    with pytest.raises(MosforgeError, match=message):
        mosforge("distort", image, *words, "-o", tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_distort_refuses_endings_and_small_images(image: Path, tmp_path: Path) -> None:
    words = ("--type", "jpeg", "--level", 1)
    with pytest.raises(MosforgeError, match=r"end the name in one of \.bmp"):
        mosforge("distort", image, *words, "-o", tmp_path / "out.gif")
    Image.new("RGB", (17_000, 170)).save(tmp_path / "wide.png")
    with pytest.raises(MosforgeError, match=r"o\.webp: the format cannot hold the image \(.*16383 pixels"):
        mosforge("distort", tmp_path / "wide.png", *words, "-o", tmp_path / "o.webp")
    Image.new("RGB", (300, 120)).save(tmp_path / "small.png")
    with pytest.raises(MosforgeError, match="300x120 pixels"):
        mosforge("distort", tmp_path / "small.png", *words, "-o", tmp_path / "out.png")


def test_classes_prints_one_array(capsys: pytest.CaptureFixture[str]) -> None:
    mosforge("classes", "--format", "json")
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 39
    assert rows[3] == {"index": 3, "type": "gaussian_blur", "level": 4, "parameter": 91}
    assert rows[24] == {"index": 24, "type": "contrast", "level": 5, "parameter": [0.49, 0.51]}
    mosforge("classes", "--format", "json", "--corpus", "authentic")
    bits = json.loads(capsys.readouterr().out)
    assert len(bits) == 26
    assert bits[6] == {"index": 6, "type": "jpeg", "level": None, "parameter": None}
    assert bits[7] == {"index": 7, "type": "defocus", "level": 1, "parameter": 1.0}


@pytest.mark.parametrize("style", ["table", "csv", "json"])
def test_classes_prints_small_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    (tmp_path / "c.yaml").write_text("distortions: {kadid25: {white_noise: [0.00004, 5.0e-7]}}")
    mosforge("classes", "--corpus", "kadid25", "--config", tmp_path / "c.yaml", "--format", style)
    text = capsys.readouterr().out
    assert "4e-05" in text
    assert "5e-07" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distortions: {synthetic: 3}", "distortions.synthetic: 3 is not"),
        ("distortions: {synthetic: {jpeg: [a]}}", "jpeg.0: 'a' is not"),
        ("distortions: {synthetic: {fog: [1]}}", "distortions.synthetic.fog: unknown key"),
        ("a: [", "not YAML"),
    ],
)
def test_a_bad_configuration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(MosforgeError, match=message):
        mosforge("classes", "--config", tmp_path / "c.yaml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("corpus", "columns", "rows"), [("synthetic", 5, 9), ("authentic", 3, 7), ("kadid25", 5, 25)]
)
def test_gallery_shows_every_class(
    image: Path, tmp_path: Path, coffee: Pixels, corpus: str, columns: int, rows: int
) -> None:
    out = tmp_path / "gallery.png"
    mosforge("gallery", image, "--corpus", corpus, "-o", out)
    sheet = read_rgb(out)
    tile = coffee[60:240, 80:320]  # the middle, 240x180
    places = [(y, line.tobytes().find(tile[0].tobytes()) // 3) for y, line in enumerate(sheet)]
    (top, left), *others = [
        (y, x) for y, x in places if x >= 0 and np.array_equal(sheet[y : y + 180, x : x + 240], tile)
    ]
    # the original is in it once, pixel for pixel, unless two squares of colour happen to miss the middle
    assert len(others) <= (corpus == "kadid25")
    # what lies below it, to the right and under, is not empty paper: a row a type, a column a level
    assert sheet.shape[0] > top + rows * 180
    assert sheet.shape[1] > left + columns * 240 - 1
    below = sheet[top + 190 :, left : left + 240]
    assert (below.min(axis=(1, 2)) < 250).mean() > 0.85


def test_where_undistorted_images_are_a_class_the_gallery_shows_the_original_once(
    image: Path, tmp_path: Path, coffee: Pixels
) -> None:
    types = ["gaussian_blur", "white_noise", "jpeg2000", "contrast", "pink_noise", "color_dither"]
    levels: dict[str, list[int]] = {name: [] for name in [*types, "underexposure"]} | {"jpeg": [43]}
    sheets = []
    for number, undistorted in enumerate(([], [0])):
        text = json.dumps({"distortions": {"synthetic": levels | {"undistorted": undistorted}}})
        (tmp_path / "c.yaml").write_text(text)
        mosforge("gallery", image, "--config", tmp_path / "c.yaml", "-o", tmp_path / f"{number}.png")
        sheets.append(read_rgb(tmp_path / f"{number}.png"))
    without, beside = sheets
    assert beside.shape == without.shape
    rows = np.flatnonzero((without != beside).any(axis=(1, 2)))
    assert 24 + 180 < rows.min() <= rows.max() < 24 + 180 + 22, "the class index, below the original"
    mosforge(
        "distort",
        image,
        "--type",
        "undistorted",
        "--level",
        1,
        "-o",
        tmp_path / "o.png",
        "--config",
        tmp_path / "c.yaml",
    )
    assert np.array_equal(read_rgb(tmp_path / "o.png"), coffee)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(2000, 170), (170, 2000)])
def test_gallery_of_a_long_image_has_room_for_all(
    tmp_path: Path, coffee: Pixels, size: tuple[int, int]
) -> None:
    Image.fromarray(coffee).resize(size).save(tmp_path / "long.png")
    out = tmp_path / "gallery.png"
    mosforge("gallery", tmp_path / "long.png", "--corpus", "kadid25", "-o", out)
    sheet = read_rgb(out)
    columns = np.split(sheet[:, 24 + 190 : -24 + 10], 5, axis=1)
    assert columns[0].shape[1] > 161
    below_the_heading = slice(24 + 190, None)
    assert all((column[below_the_heading, -8:] == 255).all() for column in columns), "captions stay within"


def test_gallery_needs_a_png(image: Path, tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"give a \.png file"):
        mosforge("gallery", image, "-o", tmp_path / "g.jpg")
