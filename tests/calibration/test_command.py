"""`mosforge calibrate FOLDER`: the table, the file of curves, and refusals."""

import json
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from mosforge.calibration import classes
from mosforge.cli import main
from mosforge.core.schemas.metrics import METRICS


def test_the_table_and_the_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ("white_noise", "impulse_noise", "mean_shift", "quantization", "contrast", "darken")
    monkeypatch.setattr(classes, "PUBLISHED", {name: classes.PUBLISHED[name] for name in quick})
    monkeypatch.chdir(tmp_path)
    Path("pristine").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(data.astronaut()[100:270, 100:280]).save(f"pristine/{name}")
    words = [
        "calibrate",
        "pristine",
        "--images",
        "2",
        "--scale",
        "2",
        "--format",
        "json",
        "--curves",
        "c.json",
    ]
    assert main(words) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["measure"] for row in rows][:6] == list(METRICS)
    assert rows[-1]["measure"] == "calibrated, as it comes"
    assert set(rows[0]) == {"measure", "srocc_2", "plcc_2"}
    assert "30 classes of 2 images" in err
    written = json.loads(Path("c.json").read_text())
    assert list(written["scales"]) == ["2"]
    assert written["about"]["images"] == ["a.png", "b.png"]


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(tmp_path)]) == 1
    assert "no image" in capsys.readouterr().err
    Image.fromarray(data.astronaut()[:170, :150]).save(tmp_path / "a.png")
    assert main(["calibrate", str(tmp_path)]) == 1
    assert "a.png: 150x170 pixels" in capsys.readouterr().err
    assert main(["calibrate", str(tmp_path), "--scale", "9"]) == 1
    assert "metrics.scale: 9" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(data.astronaut()[:170, :170]).save(tmp_path / "a.png")
    (tmp_path / "folder").mkdir()
    curves = str(tmp_path / "c.json")
    assert main(["calibrate", str(tmp_path), "--curves", curves, "--output", str(tmp_path / "folder")]) == 1
    assert "folder: there is a folder or a device of this name" in capsys.readouterr().err
    assert not Path(curves).exists()
