"""`mosforge evaluation features` and `probe`: frozen networks, a ridge regression, and zero-shot scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from skimage import data

from mosforge.cli import main
from mosforge.core.packs import write_pack
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.targets import FEATURES
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.models.crops import draw_boxes, predict
from mosforge.models.folder import load_model, save_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.models.weights import write_weights
from mosforge.statistics.ridge import fit_ridge

SIZE = 64
COUNT = 10
FACTS = {"crop": SIZE, "test_crops": 9, "range": [0, 1], "higher_is_better": True}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, its pack and split, weights without a head, models that learned a score and that did not."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("frozen")
    torch.manual_seed(0)
    network = Network("efficientnet_lite0", MultiTaskHead(1280, 3))
    write_weights(network.backbone.state_dict(), folder / "imagenet.safetensors")
    card = FACTS | {"backbone": "efficientnet_lite0", "head": "multitask", "label_kind": "single"}
    for objective in ("multitask", "cls"):
        card |= {"classes": ["a", "b", "c"], "objective": objective}
        trained = Network("efficientnet_lite0", MultiTaskHead(1280, 3))
        torch.nn.init.normal_(trained.head.rfc3.weight)
        save_model(folder / objective, trained, card)
    names = [f"{i}.png" for i in range(COUNT)]
    frame = pd.DataFrame({"image": names, "path": [f"p/{name}" for name in names], "reference": names})
    frame = frame.assign(mos=np.linspace(1, 5, COUNT), quality=np.linspace(0, 1, COUNT) ** 2)
    write_table(folder / "dataset.parquet", DATASET, frame, stage="test", cfg={})
    coffee = data.coffee()
    packed = [
        (f"p/{name}", coffee[i : i + SIZE + 9, 40 * i : 40 * i + SIZE + 5]) for i, name in enumerate(names)
    ]
    write_pack(folder / "pack.parquet", folder / "pack.pixels", packed, stage="test", cfg={})
    parts = ["train"] * 6 + ["validation"] + ["test"] * 3
    split = frame[["image", "reference"]].assign(content=frame["reference"], part=parts, clean=True)
    write_table(folder / "split.parquet", SPLIT, split, stage="test", cfg={})
    for name, weights in {
        "imagenet": "imagenet.safetensors",
        "a-multitask": "multitask/model.safetensors",
        "a-cls": "cls/model.safetensors",
    }.items():
        assert features(folder, name, weights) == 0
    return folder


def features(place: Path, initialisation: str, weights: str, out: str = "", **cfg: Any) -> int:
    settings = {
        "backbone": "efficientnet_lite0",
        "initialisation": initialisation,
        "test_dataset": "a",
        "multi_level": False,
        "crop": SIZE,
        "feature_crops": 3,
    }
    files = {"weights": weights, "dataset": "dataset.parquet", "pack": "pack.parquet"}
    words = [word for name, file in files.items() for word in (f"--{name}", str(place / file))]
    output = str(place / f"{out or initialisation}.features.parquet")
    words += ["--output", output, "--device", "cpu", "--cfg", json.dumps(settings | cfg)]
    words += ["--threads", "3" if out == "threads" else "1"]
    return main(["evaluation", "features", *words])


def probe(place: Path, initialisation: str, adaptation: str, output: Path, *, fitted: bool = True) -> int:
    run = {"dataset": "a", "split": "1", "backbone": "efficientnet_lite0", "test_dataset": "a"}
    run |= {"initialisation": initialisation, "adaptation": adaptation}
    tables = [str(place / f"{name}.features.parquet") for name in initialisation.split("+")]
    words = ["--test_dataset", f"{place}/dataset.parquet", "--test_features", *tables]
    words += ["--test_split", f"{place}/split.parquet", "--split", f"{place}/split.parquet"]
    words += ["--features", *(tables if fitted else [])]
    words += ["--dataset", f"{place}/dataset.parquet"] if fitted else []
    return main(["evaluation", "probe", *words, "--output", str(output), "--cfg", json.dumps(run)])


def read(place: Path, name: str) -> Frame:
    return read_table(place / f"{name}.features.parquet", FEATURES)


def test_the_number_of_threads_changes_no_feature(place: Path) -> None:
    assert features(place, "a-multitask", "multitask/model.safetensors", "threads") == 0
    pd.testing.assert_frame_equal(read(place, "threads"), read(place, "a-multitask"), check_exact=True)


def test_features_and_score_are_means_over_the_crops_of_an_image(place: Path) -> None:
    network, _ = load_model(place / "multitask")
    coffee, row = data.coffee(), read(place, "a-multitask").set_index("image").loc["4.png"]
    pixels = coffee[4 : 4 + SIZE + 9, 160 : 160 + SIZE + 5]
    boxes = draw_boxes(pixels, SIZE, 3, "features", "a", "4.png")
    scores = predict(network, pixels, boxes, SIZE, torch.device("cpu")).scores
    assert row["score"] == pytest.approx(scores.mean(), abs=1e-6)
    assert row["spread"] == pytest.approx(scores.std(), abs=1e-6)
    crops = np.stack([pixels[top : top + side, left : left + side] for top, left, side in boxes])
    seen: list[torch.Tensor] = []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network(torch.from_numpy(crops))
    np.testing.assert_allclose(row["features"], seen[0].mean(0).numpy(), atol=1e-5)


def test_only_a_network_that_learned_a_score_has_one(place: Path) -> None:
    assert read(place, "a-multitask")["score"].notna().all()
    assert read(place, "imagenet")["score"].isna().all()
    assert read(place, "a-cls")["score"].isna().all()


def test_a_network_of_a_fixed_size_is_refused_other_crops(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert features(place, "imagenet", "imagenet.safetensors", "fixed", backbone="deit_tiny_patch16_224") == 1
    assert "takes only images of 224 pixels" in capsys.readouterr().err
    assert not (place / "fixed.features.parquet").exists()


@pytest.mark.parametrize("initialisation", ["imagenet", "a-cls+a-multitask"])
def test_a_probe_is_fitted_to_all_but_the_test_part(place: Path, tmp_path: Path, initialisation: str) -> None:
    assert probe(place, initialisation, "probe", tmp_path / "out.parquet") == 0
    found = read_table(tmp_path / "out.parquet", PREDICTIONS)
    assert found["image"].tolist() == ["7.png", "8.png", "9.png"]
    assert set(found["adaptation"]) == {"probe"}
    tables = [read(place, name) for name in initialisation.split("+")]
    vectors = np.hstack([np.stack(table["features"].tolist()) for table in tables]).astype(float)
    scored = [table["score"].to_numpy(float) for table in tables if table["score"].notna().all()]
    assert len(scored) == initialisation.count("multitask")
    scores = np.array(scored).reshape(-1, COUNT).T
    quality = np.linspace(0, 1, COUNT) ** 2
    ridge = fit_ridge(vectors[:7], quality[:7], [str(i) for i in range(7)], scores[:7])
    assert bool((ridge.factors != 0).all())
    expected = ridge.predict(vectors[7:], scores[7:])
    np.testing.assert_allclose(found["prediction"], expected, atol=1e-9)


def test_zero_shot_is_the_score_of_the_pretraining(place: Path, tmp_path: Path) -> None:
    assert probe(place, "a-multitask", "none", tmp_path / "out.parquet", fitted=False) == 0
    found = read_table(tmp_path / "out.parquet", PREDICTIONS)
    known = read(place, "a-multitask").set_index("image").loc[found["image"]]
    assert found["prediction"].tolist() == known["score"].tolist()
    assert found["spread"].tolist() == known["spread"].tolist()


def test_what_cannot_be_is_refused(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.parquet"
    assert probe(place, "a-cls", "none", output, fitted=False) == 1
    assert "a-cls.features.parquet: this network has no score of its own" in capsys.readouterr().err
    assert probe(place, "imagenet", "probe", output, fitted=False) == 1
    assert "give --dataset, --split and --features" in capsys.readouterr().err
    write_table(place / "short.features.parquet", FEATURES, read(place, "imagenet")[:8], stage="test", cfg={})
    assert probe(place, "short", "probe", output) == 1
    assert "8.png is not in it" in capsys.readouterr().err
    assert not output.exists()
