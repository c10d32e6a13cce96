"""The model that comes with mosforge: used where none is named, and part of the package."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mosforge import Scorer
from mosforge.cli import main
from mosforge.models.card import knows_classes
from mosforge.models.folder import CARD, CARD_FOR_PEOPLE, WEIGHTS, check_scores, load_model
from mosforge.scoring import built_in

Model = Callable[..., Path]

REPOSITORY = Path(__file__).resolve().parents[2]
FACTS = {
    **{"test_crops": "grid", "pictures": 2250, "dataset": "rated", "labels": "human scores"},
    **{"split": "1", "initialisation": "synthetic-multitask", "sources": ["photos"]},
}

needs_model = pytest.mark.skipif(
    not built_in.FOLDER.is_dir(), reason="this checkout has no built-in model yet: `make builtin`"
)


@pytest.fixture
def inside(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model with random weights in the place of the built-in one."""
    folder = model("multitask", **FACTS)
    monkeypatch.setattr(built_in, "FOLDER", folder)
    built_in._say.cache_clear()
    yield folder
    built_in._say.cache_clear()


def test_it_is_used_where_none_is_named_and_says_once_what_it_is(
    inside: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = Scorer(inside, device="cpu").score(images / "b.jpg")
    assert capsys.readouterr().err == ""
    assert main(["score", str(images / "b.jpg"), "--device", "cpu", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["quality"] == pytest.approx(expected.quality, abs=1e-6)
    assert list(json.loads(out)["distortions"]) == list(expected.distortions or ())
    assert len(err.splitlines()) == 1
    for words in ("built-in model", "efficientnet_lite0", "2,250 images of rated", "human scores", "photos"):
        assert words in err
    assert Scorer(device="cpu").score(images / "b.jpg") == expected
    assert capsys.readouterr() == ("", ""), "it is said once"


def test_a_copy_without_it_says_what_to_do(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(built_in, "FOLDER", tmp_path / "none")
    for words in (["score", str(images / "b.jpg")], ["export", "--format", "onnx", "--output", "x.onnx"]):
        assert main(words) == 1
        assert "no built-in model; name the folder of a trained one (--model DIR)" in capsys.readouterr().err


def test_it_is_explained_and_exported(
    inside: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(["score", str(images / "b.jpg"), "--device", "cpu", "--explain", str(page)]) == 0
    assert "Likeliest distortions" in page.read_text()
    assert main(["export", "--format", "folder", "--output", str(tmp_path / "copy")]) == 0
    assert (tmp_path / "copy" / WEIGHTS).read_bytes() == (inside / WEIGHTS).read_bytes()
    assert main(["export", "--format", "onnx"]) == 1
    assert "--output: name the file of the graph" in capsys.readouterr().err
    assert not (inside / "model.onnx").exists()


def test_half_precision_halves_the_file_and_hardly_changes_a_score(
    inside: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.md").write_text("## Limits that were seen\n\nNights.\n")
    copy = tmp_path / "half"
    words = ["--format", "folder", "--output", str(copy)]
    assert main(["export", *words, "--half", "--notes", str(tmp_path / "notes.md")]) == 0
    assert "half precision changes a score by at most" in capsys.readouterr().err
    assert (copy / WEIGHTS).stat().st_size < 0.52 * (inside / WEIGHTS).stat().st_size
    stored = load_file(copy / WEIGHTS)
    kinds = {value.dtype for value in stored.values()}
    assert kinds == {torch.float16, torch.float32, torch.int64}
    network, card = load_model(copy)
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    exact, _ = load_model(inside)
    for name, value in exact.state_dict().items():
        expected = value.half().float() if value.ndim > 1 else value
        assert torch.equal(network.state_dict()[name], expected), name
    assert card["precision"] == "float16"
    assert "Nights." in (copy / CARD_FOR_PEOPLE).read_text()
    near, score = (Scorer(folder, device="cpu").score(images / "b.jpg") for folder in (copy, inside))
    assert near.quality == pytest.approx(score.quality, abs=5e-3)
    assert near.quality != score.quality


def test_weights_that_half_precision_does_not_hold_are_refused(
    inside: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["export", "--half", "--format"]
    assert main([*words, "onnx", "--output", str(tmp_path / "x.onnx")]) == 1
    assert "--half: a graph has single precision" in capsys.readouterr().err
    monkeypatch.setattr("mosforge.scoring.export.TOLERANCE_OF_HALF", 0.0)
    assert main([*words, "folder", "--output", str(tmp_path / "half")]) == 1
    assert "half precision changes a score by" in capsys.readouterr().err
    assert not (tmp_path / "half").exists()


@needs_model
def test_the_built_in_model_is_complete() -> None:
    assert {path.name for path in built_in.FOLDER.iterdir()} == {CARD, CARD_FOR_PEOPLE, WEIGHTS}
    assert sum(path.stat().st_size for path in built_in.FOLDER.iterdir()) <= 10_000_000
    network, card = load_model(built_in.FOLDER)
    check_scores(built_in.FOLDER, card)
    assert knows_classes(card)
    assert card["test_crops"] == "grid"
    assert card["precision"] == "float16"
    assert all(value.isfinite().all() for value in network.state_dict().values())
    needed = {"view_side", "dataset", "labels", "licence", "sources", "pictures", "correlations", "notes"}
    assert needed - card.keys() == set()
    (row,) = (row for row in card["correlations"] if row["test_dataset"] == card["dataset"])
    assert row["srocc_low"] < row["srocc"] < row["srocc_high"]
    assert row["clean_srocc"] is not None
    assert card["dataset"] in built_in.introduction(card)


@pytest.mark.slow
def test_the_wheel_holds_the_model_and_all_other_data(model: Model, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"  # a build leaves files of its own
    shutil.copytree(
        REPOSITORY / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    inside = copy / "src/mosforge/scoring/builtin"
    if not inside.is_dir():
        shutil.copytree(model(), inside)
    expected = {
        path.relative_to(copy / "src").as_posix() for path in copy.rglob("src/**/*") if path.is_file()
    }
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([sys.executable, *words, str(tmp_path), str(copy)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        assert expected - set(file.namelist()) == set()
    assert f"mosforge/scoring/builtin/{WEIGHTS}" in expected
