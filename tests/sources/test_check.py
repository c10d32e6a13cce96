"""`mosforge sources check` as people call it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from mosforge.cli import build_parser
from mosforge.core.errors import MosforgeError


def call(name: str, *words: str) -> int:
    arguments = build_parser().parse_args(["sources", "check", name, "--config", "mine.yaml", *words])
    return arguments.run(arguments) or 0


def put_image(path: Path, seed: int, side: int = 170) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(here: Path, collections: dict[str, Any], datasets: dict[str, Any] | None = None) -> None:
    config = {"sources": {"collections": collections}, "finetuning": {"datasets": datasets or {}}}
    (here / "mine.yaml").write_text(yaml.safe_dump(config))


def test_check_says_what_is_missing_and_where_to_get_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = {"url": "http://x.org/voc.tar", "md5": "0" * 32, "size": 2_000_000_000, "pictures": "p"}
    configure(
        here,
        {
            "waterloo": {"folder": "w", "images": 2, "obtain": "ask at x.org"},
            "voc": {"folder": "v", "images": 2, "archive": archive},
            "livec": {"dataset": "livec"},
        },
        {"livec": {"layout": "livec", "folder": "l", "corpus": "synthetic"}},
    )
    for name, advice in {
        "waterloo": "ask at x.org",
        "voc": "http://x.org/voc.tar (2.0 GB); or put that file at resources/downloads/voc.tar",
        "livec": "mosforge finetuning check livec",
    }.items():
        assert call(name) == 1
        printed = capsys.readouterr().out
        assert "missing" in printed
        assert advice in printed


def test_check_says_what_was_found(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, {"waterloo": {"folder": "w", "images": 3}})
    put_image(here / "w/a.png", 0)
    put_image(here / "w/small.png", 0, side=100)
    assert call("waterloo") == 1
    assert "2 images of 3, 1 with a side under 161 pixels" in capsys.readouterr().out
    (here / "w/bad.png").write_bytes(b"bad")
    assert call("waterloo") == 0
    assert (
        "3 images of 3, 1 with a side under 161 pixels, 1 not readable (bad.png: not"
        in capsys.readouterr().out
    )
    put_image(here / "w/b.png", 1)
    assert call("waterloo") == 1
    assert "correct the key images" in capsys.readouterr().out


def test_a_source_without_an_image_that_can_be_used_is_missing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run would stop at its catalogue."""
    configure(here, {"mine": {"folder": "m"}})
    put_image(here / "m/small.png", 0, side=160)
    (here / "m/bad.png").write_bytes(b"bad")
    assert call("mine") == 1
    printed = capsys.readouterr().out
    assert "missing" in printed
    assert "none can be used" in printed
    put_image(here / "m/good.png", 0)
    assert call("mine") == 0


def test_check_names_up_to_three_images_that_cannot_be_read(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(here, {"photos": {"folder": "w"}})
    put_image(here / "w/a.jpg", 0)
    put_image(here / "w/b.jpg", 1)
    whole = (here / "w/b.jpg").read_bytes()
    (here / "w/b.jpg").write_bytes(whole[: len(whole) // 2])
    (here / "w/c.png").write_bytes(b"")
    assert call("photos") == 0
    found = "3 images, 2 not readable (b.jpg: the file is truncated; c.png: the file is empty)"
    assert found in capsys.readouterr().out
    (here / "w/d.png").write_bytes(b"text")
    (here / "w/e.png").write_bytes(b"text")
    assert call("photos") == 0
    printed = capsys.readouterr().out
    assert all(f"{name}: " in printed for name in ("b.jpg", "c.png", "d.png"))
    assert "4 not readable" in printed
    assert "and 1 more)" in printed
    assert "decoded" not in printed
    monkeypatch.setattr("mosforge.sources.check.MOST_DECODED", 1)
    assert call("photos") == 0
    printed = capsys.readouterr().out
    assert "3 not readable (c.png: the file is empty" in printed, "a truncated file has a good header"
    assert "only the first 1 were decoded" in printed


def test_check_of_packaged_images(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("skimage")
    packaged = {
        "photographs": ["skimage/data/astronaut.png", "nobody_has_this/x.png"],
        "tile": 256,
        "stride": 256,
    }
    configure(here, {"demo": {"folder": "t", "images": 4, "packaged": packaged}})
    assert call("demo") == 1
    assert "pip install mosforge[demo]" in capsys.readouterr().out
    (here / "less.yaml").write_text(
        "{sources: {collections: {demo: {packaged: {photographs: [skimage/data/astronaut.png]}}}}}"
    )
    assert call("demo", "--config", "less.yaml") == 0


def test_check_of_an_unknown_source(here: Path) -> None:
    configure(here, {"waterloo": {"folder": "w"}})
    with pytest.raises(MosforgeError, match=r"'voc' is not in sources\.collections.* waterloo"):
        call("voc")
