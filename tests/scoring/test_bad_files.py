"""A folder of 200 files that are no good images: each is reported, and those beside them are scored."""

import io
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mosforge import Scorer
from mosforge.cli import main
from mosforge.core.errors import UnreadableImageError

Model = Callable[..., Path]

# format -> ending; TIFF and WebP in their lossless forms too
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".png", "JPEG2000": ".jp2", "TIFF": ".tif"}
FORMATS["WEBP"] = ".webp"


def encoded(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(data.chelsea()[60:220, 80:280]).save(stream, kind)
    return stream.getvalue()


def png(width: int, height: int, content: bytes = b"") -> bytes:
    """A PNG whose header promises more than its few bytes hold."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(content)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bad_files() -> Iterator[tuple[str, bytes]]:
    """200 names and contents, the same in every run."""
    rng = np.random.default_rng(7)
    for kind, suffix in FORMATS.items():
        whole = encoded(kind)
        for i in range(16):  # cut anywhere in the first four fifths
            yield f"cut {kind} {i}{suffix}", whole[: int(rng.integers(1, len(whole) * 4 // 5))]
    for i, suffix in enumerate([".jpg", ".png", ".tif", ".webp", ".bmp", ".jp2"] * 5):
        yield f"text {i}{suffix}", f"# note {i}\n".encode() * int(rng.integers(1, 200))
    for i, suffix in enumerate([".jpg", ".png", ".tif", ".webp", ".bmp", ".jp2"] * 3):
        yield f"empty {i}{suffix}", b""
    for i in range(20):
        yield f"noise {i}.jpg", rng.bytes(int(rng.integers(1, 5000)))
    for i, (width, height) in enumerate([(60_000, 60_000), (2**31 - 1, 2**31 - 1), (120_000_001, 1)] * 4):
        yield f"bomb {i}.png", png(width, height, bytes(10))
    for i in range(4):
        yield f"hollow {i}.png", png(300 + i, 300, bytes(99))
    for i, head in enumerate((b"%PDF-1.7\n", b"PK\x03\x04", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x7fELF")):
        yield f"other {i}.jpg", head + rng.bytes(500)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bad files, and two images with the wrong ending, which are images all the same."""
    folder = tmp_path_factory.mktemp("bad")
    for name, content in bad_files():
        (folder / name).write_bytes(content)
    (folder / "a jpeg.png").write_bytes(encoded("JPEG"))
    (folder / "z png.jpg").write_bytes(encoded("PNG"))
    return folder


def test_each_bad_file_is_reported_and_the_good_ones_scored(
    folder: Path, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = model()
    status = main(["score", str(folder), "--model", str(trained), "--device", "cpu", "--format", "json"])
    out, err = capsys.readouterr()
    rows = {Path(row["path"]).name: row for row in map(json.loads, out.splitlines())}
    assert status == 1
    assert err == "200 of 202 files could not be scored\n"
    assert list(rows) == sorted(path.name for path in folder.iterdir())
    assert {name for name, row in rows.items() if "quality" in row} == {"a jpeg.png", "z png.jpg"}
    for row in rows.values():
        assert row.keys() == {"path", "quality", "score", "spread"} or row.keys() == {"path", "error"}
        assert "\n" not in row.get("error", "")
    assert "60000x60000 pixels" in rows["bomb 0.png"]["error"]
    for kind, reason in (("text", "that can be read"), ("empty", "the file is empty")):
        assert all(reason in row["error"] for name, row in rows.items() if name.startswith(kind))
    scorer = Scorer(trained, device="cpu")
    assert round(scorer.score(folder / "z png.jpg").quality, 6) == rows["z png.jpg"]["quality"]


def test_a_bad_file_costs_no_neighbour_its_score(folder: Path, model: Model) -> None:
    scorer = Scorer(model(), device="cpu", threads=2)
    good = scorer.score(folder / "a jpeg.png")
    paths = [folder / "cut JPEG 0.jpg", folder / "a jpeg.png", folder / "none.png", folder / "a jpeg.png"]
    results = list(scorer.score_many(paths))
    assert results[1] == results[3] == good
    assert [type(result) for result in results[::2]] == [UnreadableImageError] * 2
    assert str(results[2]) == f"{folder}/none.png: no such file"


def test_a_pipe_a_folder_and_a_lost_link_are_no_images(
    tmp_path: Path, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "a pipe.jpg")
    (tmp_path / "b.jpg").mkdir()
    (tmp_path / "c.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "d.jpg").symlink_to(tmp_path / "d.jpg")
    with pytest.raises(UnreadableImageError, match=r"b\.jpg: the file cannot be read \(Is a directory\)"):
        Scorer(model(), device="cpu").score(tmp_path / "b.jpg")
    main(["score", str(tmp_path), "--model", str(model()), "--device", "cpu", "--format", "json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["error"] for row in rows] == [
        "not a regular file",
        "no such file",
        "the file cannot be read (Too many levels of symbolic links)",
    ]


def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path,
    model: Model,
    images: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open.jpg").write_bytes((images / "b.jpg").read_bytes())
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    status = main(["score", str(tmp_path), "--model", str(model()), "--device", "cpu", "--format", "json"])
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert status == 1
    assert first["path"] == f"{tmp_path}/open.jpg"
    assert second == {"path": f"{tmp_path}/closed", "error": "the folder cannot be read (Permission denied)"}


def test_a_line_break_in_a_name_stays_within_its_row(
    tmp_path: Path, model: Model, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "two\nlines\x1b[31m.jpg"
    strange.write_bytes((images / "b.jpg").read_bytes())
    words = ["score", str(tmp_path), "--model", str(model()), "--device", "cpu"]
    main(words)
    _, row = capsys.readouterr().out.splitlines()
    assert row.startswith(f"{tmp_path}/two\\nlines\\x1b[31m.jpg ")
    main([*words, "--format", "json"])
    assert json.loads(capsys.readouterr().out)["path"] == str(strange)
