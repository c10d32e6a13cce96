"""The head alone first: what it learns and leaves, the kept classes, and the whole network after it."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from skimage import data

from mosforge.cli import main
from mosforge.core.files import sha256_of_file
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table, write_table
from mosforge.finetuning import head_first
from mosforge.models.card import knows_classes
from mosforge.models.crops import draw_boxes, grid_boxes, predict
from mosforge.models.folder import load_model, save_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.models.weights import write_weights
from mosforge.plan.trainings import UNTRAINED
from mosforge.scoring.scorer import Scorer
from mosforge.training import loop

pytestmark = pytest.mark.slow  # trainings

Floats = npt.NDArray[np.float64]

BACKBONE = "efficientnet_lite0"
PARTS = ["train"] * 9 + ["validation"] * 2 + ["test"]
TRAINED = 9  # images, of six contents
CPU = torch.device("cpu")
HEAD_FIRST = {"epochs": 40, "learning_rate": 1e-3, "weight_decay": 0.01}
UNMOVED = {"epochs": 1, "learning_rate": 1e-12, "weight_decay": 0.0}
CLASSES = ["blur 1", "blur 2", "noise 1"]


@dataclass
class Start:
    """A dataset, its split and pack, ImageNet weights, and models pretrained with several objectives."""

    folder: Path

    def train(
        self,
        output: Path,
        initialisation: str = "imagenet",
        *,
        split: str = "split",
        threads: int = 1,
        **cfg: Any,
    ) -> int:
        objective = initialisation.rpartition("-")[2]
        model = initialisation if initialisation == "both-multitask" else objective
        weights = "imagenet.safetensors" if objective == "imagenet" else f"{model}/model.safetensors"
        files = {"dataset": "dataset.parquet", "split": f"{split}.parquet", "pack": "pack.parquet"}
        if "rehearsal" in cfg:
            files |= {"rehearsal": "labels.parquet", "rehearsal_pack": "levels.parquet"}
        words = [word for name, file in files.items() for word in (f"--{name}", f"{self.folder}/{file}")]
        head = "head" if objective == "imagenet" else "score"
        settings = {
            **{"dataset": "toy", "split": "1", "backbone": BACKBONE, "initialisation": initialisation},
            **{"seed": 0, "crop": 64, "flip": True, "epochs": 0, "patches": 1, "batch_size": 3},
            **{"schedule": "constant", "dropout": 0.0},
            **{"range": [0.0, 9.0], "higher_is_better": True, "layout": "table", "sources": []},
            **{"multi_level": False},
            **{"head_first": HEAD_FIRST, "learning_rates": {"backbone": 1e-4, head: 1e-4}},
        }
        words += ["--weights", f"{self.folder}/{weights}", "--output", str(output), "--device", "cpu"]
        words += ["--threads", str(threads)]
        return main(["finetuning", "finetune", *words, "--cfg", json.dumps(settings | cfg)])

    def scores(self, network: Network) -> Floats:
        """Scores of the training images: means over the crops of the grid."""
        images = Pack(read_table(self.folder / "pack.parquet", PACK))
        pixels = [images.image(place) for place in range(TRAINED)]
        found = [predict(network, one, grid_boxes(one, 64), 64, CPU).scores for one in pixels]
        return np.array([one.mean() for one in found])

    @property
    def given(self) -> Floats:
        """Qualities of the training images."""
        return read_table(self.folder / "dataset.parquet", DATASET)["quality"].to_numpy(float)[:TRAINED]

    def rmse(self, network: Network) -> float:
        return float(np.sqrt(np.mean((self.scores(network) - self.given) ** 2)))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, write_levels: Callable[[Path], None]) -> Start:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("start")
    names = [f"{i}.png" for i in range(len(PARTS))]
    quality = [0.1, 0.5, 0.4, 0.9, 0.3, 0.7, 0.6, 0.2, 0.8, 0.1, 0.9, 0.5]
    frame = pd.DataFrame({"image": names, "path": [f"p/{name}" for name in names], "reference": names})
    frame = frame.assign(mos=[9 * value for value in quality], quality=quality)
    write_table(folder / "dataset.parquet", DATASET, frame, stage="test", cfg={})
    contents = [f"content {2 * i // 3}" for i in range(len(PARTS))]
    split = frame[["image", "reference"]].assign(content=contents, part=PARTS)
    write_table(folder / "split.parquet", SPLIT, split, stage="test", cfg={})
    coffee = data.coffee()
    packed = [
        (path, coffee[20 * i : 20 * i + 70, 40 * i : 40 * i + 75]) for i, path in enumerate(frame["path"])
    ]
    write_pack(folder / "pack.parquet", folder / "pack.pixels", packed, stage="test", cfg={})
    torch.manual_seed(0)
    network = Network(BACKBONE, MultiTaskHead(1280, 3, 32))
    write_weights(network.backbone.state_dict(), folder / "imagenet.safetensors")
    torch.nn.init.normal_(network.head.rfc3.weight)
    network.head.deviation.fill_(0.25)
    card = {"backbone": BACKBONE, "head": "multitask", "label_kind": "single", "classes": CLASSES}
    card |= {"crop": 64, "test_crops": 9, "range": [0, 1], "higher_is_better": True, "head_width": 32}
    for objective in ("multitask", "reg", "cls"):
        save_model(folder / objective, network, card | {"objective": objective})
    network.head.cfc2 = torch.nn.Linear(32, 5)
    both = [*(f"levels {name}" for name in CLASSES), "mixtures blur", "mixtures noise"]
    facts = {"label_kind": "both", "single_classes": 3, "classes": both, "objective": "multitask"}
    save_model(folder / "both-multitask", network, card | facts)
    write_levels(folder)
    return Start(folder)


def test_a_new_head_learns_the_scores_and_the_backbone_stays(start: Start, tmp_path: Path) -> None:
    assert start.train(tmp_path / "m") == 0
    network, card = load_model(tmp_path / "m")
    assert start.rmse(network) < 0.7 * start.given.std(), "better than their mean"
    before = load_file(start.folder / "imagenet.safetensors")
    assert all(torch.equal(value, before[key]) for key, value in network.backbone.state_dict().items())
    assert (card["head"], card["epochs"], card["head_first"]) == ("score", 0, HEAD_FIRST)
    assert len(read_table(tmp_path / "m/history.parquet", HISTORY)) == 0
    assert set(card["measured"]) == {"device"}
    text = (tmp_path / "m/card.md").read_text()
    assert "for 40 epochs, and nothing more" in text
    assert "images a second" not in text
    assert sorted(path.name for path in (tmp_path / "m").iterdir())[0] == "card.json", "no state is left"
    assert Scorer(tmp_path / "m", device="cpu").score(data.coffee()[:90, :90]).distortions is None


def test_the_number_of_threads_changes_no_weight(start: Start, tmp_path: Path) -> None:
    found = []
    try:
        for threads in (1, 3):
            assert start.train(tmp_path / f"{threads}", threads=threads) == 0
            found.append(load_file(tmp_path / f"{threads}" / "model.safetensors"))
    finally:
        torch.set_num_threads(1)
    assert all(torch.equal(value, found[1][key]) for key, value in found[0].items())


@pytest.mark.parametrize("objective", ["multitask", "reg", "cls"])
def test_a_pretrained_head_stays_and_learns_the_scores(start: Start, tmp_path: Path, objective: str) -> None:
    assert start.train(tmp_path / "m", f"levels-{objective}") == 0
    network, card = load_model(tmp_path / "m")
    before, _ = load_model(start.folder / objective)
    pixels = torch.from_numpy(data.coffee()[None, :64, :64].copy())
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels)[0], before(pixels)[0], rtol=0, atol=0)
    assert start.rmse(network) < 0.7 * start.given.std()
    assert (card["head"], card["head_width"], card["classes"]) == ("multitask", 32, CLASSES)
    assert knows_classes(card) is (objective != "reg")
    found = Scorer(tmp_path / "m", device="cpu").score(data.coffee()[:90, :90])
    assert (found.distortions is None) is (objective == "reg")
    text = (tmp_path / "m/card.md").read_text()
    assert "the training part of the dataset `toy`" in text
    assert ("blur 1" in text) is (objective != "reg")


@pytest.mark.parametrize("objective", ["multitask", "cls"])
def test_a_score_that_was_learned_starts_on_the_scale_of_the_given_ones(
    start: Start, tmp_path: Path, objective: str
) -> None:
    assert start.train(tmp_path / "m", f"levels-{objective}", head_first=UNMOVED) == 0
    scores = start.scores(load_model(tmp_path / "m")[0])
    before = start.scores(load_model(start.folder / objective)[0])
    if objective == "cls":
        np.testing.assert_allclose(scores, start.given.mean(), atol=1e-5)
        return
    slope = max(np.polyfit(before, start.given, 1)[0], 0.5 * start.given.std() / before.std())
    expected = start.given.mean() + slope * (before - before.mean())
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)
    assert np.ptp(expected) > 0.01


def test_only_the_training_part_is_fitted_to(start: Start, tmp_path: Path) -> None:
    assert start.train(tmp_path / "a") == 0
    table, split = (
        read_table(start.folder / f"{name}.parquet", of)
        for name, of in (("dataset", DATASET), ("split", SPLIT))
    )
    other = table.assign(quality=np.where(np.arange(len(PARTS)) < TRAINED, table["quality"], 1.0))
    lesser = Start(tmp_path / "lesser")
    lesser.folder.mkdir()
    for name in ("pack.parquet", "imagenet.safetensors"):
        (lesser.folder / name).symlink_to(start.folder / name)
    write_table(lesser.folder / "dataset.parquet", DATASET, other, stage="test", cfg={})
    write_table(lesser.folder / "split.parquet", SPLIT, split, stage="test", cfg={})
    assert lesser.train(tmp_path / "b") == 0
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]


def test_weights_that_are_not_finite_are_no_model(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    too_fast = {"epochs": 30, "learning_rate": 0.5, "weight_decay": 50.0}
    assert start.train(tmp_path / "m", head_first=too_fast) == 1
    assert "lower finetuning.head_first.learning_rate" in capsys.readouterr().err
    assert not (tmp_path / "m/model.safetensors").exists()


def test_the_whole_network_goes_on_from_the_first_head_also_after_a_stop(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learnt: Callable[[Path], object]
) -> None:
    """Three steps an epoch, of which the second run does one and leaves two to the third."""
    name = "levels-multitask"
    assert start.train(tmp_path / "start", name) == 0
    assert start.train(tmp_path / "trained", name, epochs=1) == 0
    first, last = (load_file(tmp_path / name / "model.safetensors") for name in ("start", "trained"))
    moved = {key for key in first if not torch.equal(first[key], last[key])}
    assert {"head.rfc1.weight", "backbone.conv_stem.weight", "backbone.bn1.running_mean"} < moved
    assert not any(".cfc" in key for key in moved)

    step = loop.StepToLoss.forward

    def stop(self: Any, *batch: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(loop.StepToLoss, "forward", stop)
        assert start.train(tmp_path / "again", name, epochs=1) == 1
    assert start.train(tmp_path / "again", name, epochs=1) == 0
    assert learnt(tmp_path / "again") == learnt(tmp_path / "trained")


def test_the_head_rehearses_pairs_of_levels(start: Start, tmp_path: Path) -> None:
    rates = {"backbone": 1e-4, "score": 1e-4, "classification": 1e-3}
    rehearsal = {"corpus": "levels", "pairs": 2, "classes": 3}
    assert start.train(tmp_path / "m", "levels-multitask", rehearsal=rehearsal, learning_rates=rates) == 0
    assert start.train(tmp_path / "without", "levels-multitask") == 0
    before, after, without = (
        load_file(folder / "model.safetensors")
        for folder in (start.folder / "multitask", tmp_path / "m", tmp_path / "without")
    )
    for name in ("head.cfc1.weight", "head.cfc2.bias"):
        assert torch.equal(without[name], before[name])
        assert not torch.equal(after[name], before[name])
    assert not torch.equal(after["head.rfc3.weight"], without["head.rfc3.weight"])
    network, card = load_model(tmp_path / "m")
    assert start.rmse(network) < start.given.std()
    assert card["rehearsal_digest"]


def test_pairs_teach_the_head_that_a_stronger_level_scores_lower(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the crops that are rehearsed, of two of the three images; random features tell nothing of others."""
    monkeypatch.setattr(head_first, "MOST_REHEARSED", 2)
    options = {"rehearsal": {"corpus": "levels", "pairs": 4}, "head_first": HEAD_FIRST | {"epochs": 200}}
    images, falls = Pack(read_table(start.folder / "levels.parquet", PACK)), {}
    for weight in (0.0, 10.0):
        monkeypatch.setattr(head_first, "PAIRS_WEIGHT", weight)
        model = tmp_path / str(weight)
        assert start.train(model, "levels-multitask", **options) == 0
        network, scores = load_model(model)[0], []
        for place in range(9):
            pixels = images.image(place)
            boxes = draw_boxes(pixels, 64, 1, "rehearsed crop", "cats", f"{place // 3}.png")
            scores.append(predict(network, pixels, boxes, 64, CPU).scores[0])
        falls[weight] = -np.diff(np.reshape(scores, (3, 3)))
    before, after = (load_file(path / "model.safetensors") for path in (start.folder / "multitask", model))
    assert torch.equal(after["head.cfc1.weight"], before["head.cfc1.weight"]), "no classes are rehearsed"
    assert (falls[0.0] > 0.1).sum() == 0
    assert sorted((falls[10.0] > 0.1).all(axis=1)) == [False, True, True]


@pytest.mark.parametrize("classes", [None, 3])
def test_the_classes_of_a_kept_head_are_trained_where_they_are_rehearsed(
    start: Start, tmp_path: Path, classes: int | None
) -> None:
    rates = {"backbone": 1e-4, "score": 1e-4} | ({"classification": 1e-3} if classes else {})
    rehearsal = {"corpus": "levels", "pairs": 2} | ({"classes": classes} if classes else {})
    options = {"epochs": 1, "learning_rates": rates, "rehearsal": rehearsal}
    assert start.train(tmp_path / "m", "levels-multitask", **options) == 0
    before, after = (
        load_file(folder / "model.safetensors") for folder in (start.folder / "multitask", tmp_path / "m")
    )
    moved = [
        not torch.equal(after[f"head.{name}"], before[f"head.{name}"])
        for name in ("cfc1.weight", "cfc2.bias")
    ]
    assert moved == [classes is not None] * 2
    (row,) = read_table(tmp_path / "m/history.parquet", HISTORY).to_dict("records")
    parts = row["score_loss"] + row["rehearsal_loss"] + (0.1 * row["class_loss"] if classes else 0)
    assert row["loss"] == pytest.approx(parts)
    assert np.isnan(row["class_loss"]) == (classes is None)


def test_of_the_classes_of_two_corpora_only_the_rehearsed_stay(start: Start, tmp_path: Path) -> None:
    before = load_file(start.folder / "both-multitask/model.safetensors")
    rates = {"backbone": 1e-4, "score": 1e-4, "classification": 1e-4}
    rehearsal = {"corpus": "levels", "pairs": 2, "classes": 3}
    options = {"learning_rates": rates, "rehearsal": rehearsal, "epochs": 0, "head_first": UNMOVED}
    assert start.train(tmp_path / "m", "both-multitask", **options) == 0
    network, card = load_model(tmp_path / "m")
    assert (card["classes"], card["label_kind"]) == (CLASSES, "single")
    assert "single_classes" not in card
    assert isinstance(network.head, MultiTaskHead)
    torch.testing.assert_close(network.head.cfc2.weight.detach(), before["head.cfc2.weight"][:3])
    score = Scorer(tmp_path / "m", device="cpu").score(data.coffee())
    assert score.distortions is not None
    assert set(score.distortions) == set(CLASSES)


@pytest.mark.parametrize("initialisation", ["imagenet", "levels-multitask"])
def test_with_no_further_epoch_the_keys_of_the_whole_network_change_no_weight(
    start: Start, tmp_path: Path, initialisation: str
) -> None:
    """So the plan gives these values in the place of any others, and no change of them runs a job again."""
    rehearsal = {"corpus": "levels", "pairs": 2}
    assert start.train(tmp_path / "own", initialisation, rehearsal=rehearsal) == 0
    neutral = {**UNTRAINED, "learning_rates": {}}
    assert start.train(tmp_path / "neutral", initialisation, rehearsal=rehearsal, **neutral) == 0
    own, other = (sha256_of_file(tmp_path / name / "model.safetensors") for name in ("own", "neutral"))
    assert own == other
