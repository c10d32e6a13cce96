"""`mosforge export`: the ONNX file gives torch's numbers without it; a copied folder needs nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from skimage import data

from mosforge import Score, Scorer
from mosforge.cli import main
from mosforge.core.images import read_rgb
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import write_table
from mosforge.models.crops import cut_crops, draw_boxes
from mosforge.models.folder import CARD, MEASURED, load_card, load_model, save_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.scoring.export import _Graph, graph_facts
from mosforge.scoring.scorer import class_probabilities

pytestmark = pytest.mark.slow  # exporting and tracing a network takes seconds

Model = Callable[..., Path]

REPOSITORY = Path(__file__).resolve().parents[2]
BIQ2021 = REPOSITORY.parent / "shared" / "data" / "biq2021" / "images"

CLASSES = ["gaussian_blur 1", "jpeg 2", "white_noise 3"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with both heads, whose scores lie within 0 and 1."""
    torch.manual_seed(5)
    head = MultiTaskHead(512, len(CLASSES))
    head.rfc3.weight.data *= 0.05
    head.start_at(0.5)
    folder = tmp_path_factory.mktemp("trained") / "model"
    facts: dict[str, Any] = {
        "classes": CLASSES,
        "label_kind": "both",
        "single_classes": 2,
        "crop": 64,
        "test_crops": 9,
    }
    scale = {"range": [10.0, 110.0], "higher_is_better": False}
    facts |= {MEASURED: {"device": "a fine GPU", "images_per_second": 12.5, "peak_memory_mib": 900}}
    save_model(
        folder, Network("resnet18", head), {"head": "multitask", "backbone": "resnet18", **facts, **scale}
    )
    return folder


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("exported") / "deep/model.onnx"
    words = ["export", "--model", str(trained), "--format", "onnx", "--output", str(output)]
    assert main(words) == 0
    return output


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Images of all the forms that the stated rule covers."""
    folder = tmp_path_factory.mktemp("images")
    cat = Image.fromarray(data.chelsea()[60:200, 80:300])
    cat.save(folder / "a.jpg")
    exif = Image.Exif()
    exif[274] = 8
    cat.save(folder / "b sideways.jpg", exif=exif)
    cat.convert("CMYK").save(folder / "c.jpg")
    cat.quantize(32).save(folder / "d palette.png")
    faded = cat.convert("RGBA")
    faded.putalpha(Image.linear_gradient("L").resize(cat.size))
    faded.save(folder / "e alpha.png")
    grey = np.asarray(cat.convert("L")).astype(np.uint16) * 256 + 77
    Image.fromarray(grey).save(folder / "f sixteen.png")
    cat.crop((0, 0, 100, 40)).save(folder / "g small.png")
    cat.crop((0, 0, 64, 64)).save(folder / "h as large as a crop.png")
    return sorted(folder.iterdir())


def with_more(tested: list[Path]) -> list[Path]:
    return [*tested, *sorted(BIQ2021.iterdir())[:4]] if BIQ2021.is_dir() else tested


def test_the_graph_computes_what_torch_does(trained: Path, exported: Path, tested: list[Path]) -> None:
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape) == ("crops", "tensor(uint8)", ["n", 64, 64, 3])
    network, card = load_model(trained)
    for i, path in enumerate(with_more(tested)):
        pixels = read_rgb(path)
        if min(pixels.shape[:2]) < 64:
            continue
        crops = cut_crops(pixels, draw_boxes(pixels, 64, i + 1, path.name), 64)
        quality, probabilities = session.run(["quality", "probabilities"], {"crops": crops})
        with torch.inference_mode():
            logits, expected = network(torch.from_numpy(crops))
        assert quality.shape == (len(crops),)
        np.testing.assert_allclose(quality, expected.numpy(), atol=1e-4, rtol=0)
        np.testing.assert_allclose(
            probabilities, class_probabilities(logits.numpy(), card), atol=1e-4, rtol=0
        )


@pytest.mark.parametrize("kind", ["single", "multiple"])
def test_the_probabilities_of_other_kinds(trained: Path, kind: str) -> None:
    network, card = load_model(trained)
    card = {key: value for key, value in card.items() if key != "single_classes"} | {"label_kind": kind}
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8))
    with torch.inference_mode():
        _, probabilities = _Graph(network, card)(crops)
        logits = network(crops)[0]
    np.testing.assert_allclose(probabilities, class_probabilities(logits.numpy(), card), atol=1e-6)


def test_a_branch_that_was_not_trained_is_no_output(trained: Path) -> None:
    network, card = load_model(trained)
    graph = _Graph(network, card | {"objective": "reg"})
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8))
    with torch.inference_mode():
        (quality,) = graph(crops)
        assert torch.equal(quality, network(crops)[1])
    assert graph.names == ["quality"]


def test_the_file_says_how_it_is_used_and_not_where_it_was_made(trained: Path, exported: Path) -> None:
    metadata = onnxruntime.InferenceSession(str(exported)).get_modelmeta().custom_metadata_map
    assert json.loads(metadata["mosforge"]) == {
        "crop": 64,
        "crops": 9,
        "view_side": None,
        "colour_order": "RGB",
        "normalisation": "in the graph",
        "range": [10.0, 110.0],
        "higher_is_better": False,
        "classes": CLASSES,
    }
    card = load_card(trained)
    assert card.pop(MEASURED)
    assert json.loads(metadata["card"]) == card
    assert str(REPOSITORY).encode() not in exported.read_bytes()
    onnx.checker.check_model(onnx.load(exported), full_check=True)


@pytest.fixture(scope="module")
def grid(trained: Path, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same model and graph, with a grid of crops and images that are shrunk."""
    folder = tmp_path_factory.mktemp("grid")
    shutil.copytree(trained, folder / "model")
    card = load_card(trained) | {"test_crops": "grid", "view_side": 90}
    (folder / "model" / CARD).write_text(json.dumps(card))
    graph = onnx.load(exported)
    onnx.helper.set_model_props(graph, {"mosforge": json.dumps(graph_facts(card))})
    onnx.save(graph, folder / "model.onnx")
    return folder / "model", folder / "model.onnx"


@pytest.mark.parametrize("crops", ["random", "grid"])
def test_images_are_scored_without_torch(
    trained: Path, exported: Path, grid: tuple[Path, Path], tested: list[Path], crops: str
) -> None:
    """The script that the documentation shows, with nothing but what it says it needs."""
    model, graph = grid if crops == "grid" else (trained, exported)
    blocked = "import sys; sys.modules |= dict.fromkeys(('torch', 'timm', 'mosforge', 'scipy', 'cv2')); "
    script = REPOSITORY / "docs/score_onnx.py"
    run = f"{blocked}import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    paths = [str(path) for path in with_more(tested)]
    result = subprocess.run(
        [sys.executable, "-I", "-c", run, str(script), str(graph), *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stdout.splitlines()
    assert len(lines) == len(paths)
    scorer = Scorer(model, device="cpu")
    for line, path, score in zip(lines, paths, scorer.score_many(paths), strict=True):
        assert isinstance(score, Score)
        name, _, numbers = line.rpartition("  quality ")
        quality, _, own = numbers.partition("  score ")
        assert name == path
        assert float(quality) == pytest.approx(score.quality, abs=1.01e-4)  # the printed digits
        assert float(own) == pytest.approx(score.score, abs=1.01e-2)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_reported(
    trained: Path, package: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["export", "--model", str(trained), "--format", "onnx"]) == 1
    assert f"{package} is not installed: pip install 'mosforge[onnx]'" in capsys.readouterr().err
    assert not (trained / "model.onnx").exists()


def test_a_graph_that_computes_something_else_is_not_written(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosforge.scoring.export._traced", lambda *_: onnx.ModelProto())
    monkeypatch.setattr("onnx.checker.check_model", lambda _: None)
    monkeypatch.setattr("mosforge.scoring.export._difference", lambda *_: float("nan"))
    output = tmp_path / "model.onnx"
    assert main(["export", "--model", str(trained), "--format", "onnx", "--output", str(output)]) == 1
    assert "the exported graph differs from torch by nan" in capsys.readouterr().err
    assert not output.exists()


def correlations(path: Path, **changes: Any) -> Path:
    row = {
        "dataset": "rated",
        "split": "1",
        "backbone": "efficientnet_lite0",
        "initialisation": "synthetic-multitask",
        "test_dataset": "rated",
        "adaptation": "finetune",
        "seed": 0,
        "contents": 25,
        "images": 25,
        "srocc": 0.75,
        "krocc": 0.5,
        "plcc": 0.8125,
        "plcc_mapped": float("nan"),
        "rmse": 0.125,
        "mapping": "none",
    }
    columns = {key: [value] for key, value in (row | changes).items()}
    write_table(path, CORRELATIONS, columns, stage="evaluation", cfg={})
    return path


@pytest.fixture
def evaluated(model: Model) -> Path:
    return model(dataset="rated", split="1", initialisation="synthetic-multitask", labels="human scores")


def test_a_copied_folder_has_the_correlations_and_scores_elsewhere(
    evaluated: Path, images: Path, tmp_path: Path
) -> None:
    tables = [
        correlations(tmp_path / "a.parquet"),
        correlations(tmp_path / "b.parquet", test_dataset="other", images=1234, srocc=0.5),
        correlations(tmp_path / "c.parquet", split="2"),
        correlations(tmp_path / "e.parquet", adaptation="probe", srocc=0.1),
        correlations(tmp_path / "d.parquet"),
    ]
    words = ["export", "--model", str(evaluated), "--format", "folder", "--output", str(tmp_path / "copy")]
    assert main([*words, "--correlations", *map(str, tables)]) == 0
    card = load_card(tmp_path / "copy")
    assert [row["test_dataset"] for row in card["correlations"]] == ["other", "rated"]
    assert card["correlations"][1]["plcc_mapped"] is None
    text = (tmp_path / "copy/card.md").read_text()
    assert "| rated (test part) | 25 | 0.750 | 0.812 | undefined | 0.500 | 0.125 |" in text
    assert "| other | 1,234 | 0.500 |" in text
    expected = Scorer(evaluated, device="cpu").score(images / "b.jpg")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "copy").rename(tmp_path / "elsewhere/model")
    code = "import mosforge, sys; print(mosforge.Scorer('model', device='cpu').score(sys.argv[1]).quality)"
    result = subprocess.run(
        [sys.executable, "-c", code, str(images / "b.jpg")],
        cwd=tmp_path / "elsewhere",
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(result.stdout) == expected.quality


def test_correlations_of_other_models_are_refused(
    evaluated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = correlations(tmp_path / "x.parquet", backbone="resnet50")
    words = ["export", "--model", str(evaluated), "--format", "folder", "--output", str(tmp_path / "copy")]
    assert main([*words, "--correlations", str(table)]) == 1
    assert "x.parquet: no correlation of the model rated/1/efficientnet_lite0/synthetic-multitask" in (
        capsys.readouterr().err
    )
    assert main(words[:-2]) == 1
    assert "--output: name the folder" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()
    tables = [correlations(tmp_path / f"{srocc}.parquet", srocc=srocc) for srocc in (0.5, 0.6)]
    assert main([*words, "--correlations", *map(str, tables)]) == 1
    assert "different correlations of the model on rated" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()
