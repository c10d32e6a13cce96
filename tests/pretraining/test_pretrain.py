"""The rule `pretrain`: from weights and packs to a model that can score."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from mosforge.cli import main
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table, write_table
from mosforge.models.folder import load_model
from mosforge.pretraining.objective import make_loss
from mosforge.scoring.scorer import Scorer

pytestmark = pytest.mark.slow  # trainings


def train(
    corpus: Any,
    folder: Path,
    *words: str,
    labels: Path | None = None,
    pack: Path | None = None,
    weights: Path | None = None,
    **cfg: Any,
) -> int:
    return main(
        [
            *("pretraining", "pretrain", "--labels", str(labels or corpus.labels)),
            *("--pack", str(pack or corpus.pack)),
            *("--weights", str(weights or corpus.weights), "--output", str(folder), "--device", "cpu"),
            *("--cfg", json.dumps(corpus.cfg | cfg), *words),
        ]
    )


@pytest.fixture
def arguments(
    corpus: Any, tmp_path: Path, fit_arguments: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """The arguments of `fit` in a training with these options."""
    return lambda **options: fit_arguments(
        "pretraining.pretrain", lambda: train(corpus, tmp_path / "m", **options)
    )


def test_a_training_writes_a_model_and_its_history_and_nothing_else(corpus: Any, tmp_path: Path) -> None:
    assert train(corpus, tmp_path / "m") == 0
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "card.json",
        "card.md",
        "history.parquet",
        "model.safetensors",
    ]
    network, card = load_model(tmp_path / "m")
    assert network.head.cfc2.out_features == 3
    assert card["pictures"] == 24
    assert card["range"] == [0, 1]
    assert "not human scores" in card["labels"]
    history = read_table(tmp_path / "m/history.parquet", HISTORY)
    np.testing.assert_allclose(history["loss"], history["score_loss"] + history["class_loss"], rtol=1e-5)
    assert len(history) == 2
    image = corpus.labels.with_name("coffee-0-0.png")
    score = Scorer(tmp_path / "m", device="cpu").score(image)
    assert score.distortions is not None
    assert sorted(score.distortions) == sorted(corpus.cfg["classes"])
    assert sum(score.distortions.values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_a_wrong_order_of_labels_and_pack_does_not_matter(
    corpus: Any, tmp_path: Path, learnt: Callable[[Path], object]
) -> None:
    """Labels find their pixels by path: a pack in another order trains the same model."""
    shuffled = read_table(corpus.pack, PACK).sample(frac=1, random_state=1)
    write_table(tmp_path / "pack.parquet", PACK, shuffled, stage="test", cfg={})
    assert train(corpus, tmp_path / "a", epochs=1) == 0
    assert train(corpus, tmp_path / "b", epochs=1, pack=tmp_path / "pack.parquet") == 0
    assert learnt(tmp_path / "a") == learnt(tmp_path / "b")


@pytest.mark.parametrize(("objective", "absent"), [("cls", "score_loss"), ("reg", "class_loss")])
def test_a_single_task_leaves_the_other_head_as_it_was(
    corpus: Any, tmp_path: Path, objective: str, absent: str
) -> None:
    assert train(corpus, tmp_path / "m", objective=objective, epochs=1) == 0
    history = read_table(tmp_path / "m/history.parquet", HISTORY)
    assert history[absent].isna().all()
    state = load_file(tmp_path / "m/model.safetensors")
    start = pytest.approx(0.55)  # the mean of the labels
    assert (state["head.rfc3.bias"].item() == start) == (objective == "cls")
    assert bool((state["head.cfc2.bias"] == 0).all()) == (objective == "reg")


@pytest.mark.slow
def test_several_labels_an_image_are_bits(corpus: Any, tmp_path: Path) -> None:
    assert train(corpus, tmp_path / "m", label_kind="multiple", epochs=1) == 0
    history = read_table(tmp_path / "m/history.parquet", HISTORY)
    assert history["class_loss"].iloc[0] < 1.5


def test_an_authentic_corpus_is_trained_on_the_training_part_only(corpus: Any, tmp_path: Path) -> None:
    parts = {"0.png": "train", "1.png": "test", "2.png": "validation", "3.png": "train"}
    names = {name: list(parts) for name in ("image", "reference", "content")}
    split = pd.DataFrame({**names, "part": list(parts.values())})
    write_table(tmp_path / "split.parquet", SPLIT, split, stage="test", cfg={})
    index = read_table(corpus.pack, PACK)
    allowed = index["path"].str.contains(r"coffee-[03]-").tolist()
    # The same pack with every image of another part blackened: were one read, the weights would differ.
    images = zip(index["path"], allowed, Pack(index).images(), strict=True)
    blackened = ((path, pixels if keep else 0 * pixels) for path, keep, pixels in images)
    write_pack(tmp_path / "black.parquet", tmp_path / "black.pixels", blackened, stage="test", cfg={})
    labels = read_table(corpus.labels, LABELS).assign(class_index=None, level=None)  # as those of mixtures
    write_table(tmp_path / "labels.parquet", LABELS, labels, stage="test", cfg={})
    words = ("--split", str(tmp_path / "split.parquet"))
    cfg: dict[str, Any] = {"sources": ["coffee"], "split": "1", "epochs": 1, "label_kind": "multiple"}
    cfg["labels"] = tmp_path / "labels.parquet"
    assert train(corpus, tmp_path / "a", *words, **cfg) == 0
    assert train(corpus, tmp_path / "b", *words, **cfg, pack=tmp_path / "black.parquet") == 0
    assert json.loads((tmp_path / "a/card.json").read_text())["pictures"] == sum(allowed) == 6
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]


def test_a_labelled_image_that_is_not_packed_is_named(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = read_table(corpus.pack, PACK)
    write_table(tmp_path / "pack.parquet", PACK, index[:-1], stage="test", cfg={})
    assert train(corpus, tmp_path / "m", pack=tmp_path / "pack.parquet") == 1
    lost = index["path"].iloc[-1]
    assert f"{lost}: not in the pack" in capsys.readouterr().err


def test_weights_of_another_backbone_are_refused(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(corpus, tmp_path / "m", backbone="resnet18") == 1
    assert "weights.safetensors: the weights do not fit the network" in capsys.readouterr().err
    assert not (tmp_path / "m/model.safetensors").exists()


def test_a_training_that_failed_to_save_is_not_done_again(
    corpus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "model.safetensors")

    with monkeypatch.context() as patch:
        patch.setattr("mosforge.models.weights.save_file", full)
        assert train(corpus, tmp_path / "m", epochs=1) == 1
    assert "model.safetensors: no room on the disk" in capsys.readouterr().err
    (tmp_path / "m/.state-other.pt").touch()
    assert train(corpus, tmp_path / "m", epochs=1) == 0
    assert not [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    assert (tmp_path / "m/model.safetensors").exists()
    assert not list((tmp_path / "m").glob(".*"))


def test_the_loop_gets_the_settings_and_the_samples(
    corpus: Any, arguments: Callable[..., dict[str, Any]]
) -> None:
    call, other = arguments(), arguments(seed=1)
    assert call["cfg"].plain() == corpus.cfg
    assert call["cfg"].patches == 1
    heads = [one["network"].head.rfc1.weight for one in (call, other)]
    assert not torch.equal(*heads), "the seed decides on its first weights"
    assert call["rows"].tolist() == list(range(24))
    assert call["names"] == read_table(corpus.labels, LABELS)["path"].tolist()
    assert call["groups"] is None


def test_ranking_keeps_series_together_and_asks_for_the_margin(
    arguments: Callable[..., dict[str, Any]],
) -> None:
    """Without groups few pairs would meet in a batch; a pair of equal scores is a margin away from order."""
    call = arguments(objective="rank", rank_margin=0.125)
    assert np.unique(call["groups"], return_counts=True)[1].tolist() == [3] * 8
    assert all(len(set(series)) == 1 for series in call["groups"].reshape(8, 3))
    losses = call["loss_of"]((None, torch.zeros(2)), torch.tensor([0, 1]))
    assert losses["loss"].item() == losses["score_loss"].item() == 0.125


def test_a_stopped_training_goes_on_only_where_all_is_as_it_was(
    corpus: Any, tmp_path: Path, arguments: Callable[..., dict[str, Any]]
) -> None:
    """Its state has another name for other labels, images, first weights and parameters."""
    labels, index = read_table(corpus.labels, LABELS), read_table(corpus.pack, PACK)
    changed = {
        "class_index": [1, *labels["class_index"][1:]],
        "level": [2, *labels["level"][1:]],
        "pmos": [0.3, *labels["pmos"][1:]],
        "labels": [np.array([0, 1, 0]), *labels["labels"][1:]],
    }
    files = {name: tmp_path / f"{name}.parquet" for name in changed}
    for name, values in changed.items():
        write_table(files[name], LABELS, labels.assign(**{name: values}), stage="test", cfg={})
    packed = index.assign(sha256=index["sha256"].where(index.index != 0, "0" * 64))
    write_table(tmp_path / "packed.parquet", PACK, packed, stage="test", cfg={})
    state = load_file(corpus.weights)
    save_file(state | {"bn1.bias": state["bn1.bias"] + 0.01}, tmp_path / "w.safetensors")

    def state_file(**options: Any) -> Path:
        file: Path = arguments(**options)["state_file"]
        return file

    assert state_file() == state_file()
    others: list[dict[str, Any]] = [
        *({"labels": files[name]} for name in ("class_index", "level", "pmos")),
        {"pack": tmp_path / "packed.parquet"},
        {"weights": tmp_path / "w.safetensors"},
        {"seed": 1},
    ]
    assert len({state_file(), *(state_file(**options) for options in others)}) == 1 + len(others)
    several = {"label_kind": "multiple"}
    assert state_file(**several) != state_file(labels=files["labels"], **several)


@pytest.mark.slow
@pytest.mark.parametrize("call", [2, 3, 5])
def test_a_training_that_was_stopped_ends_with_the_same_model(
    corpus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learnt: Callable[[Path], object], call: int
) -> None:
    """Three steps an epoch, two epochs; the whole network, not a toy."""
    assert train(corpus, tmp_path / "undisturbed") == 0
    calls = 0

    def stopping(*words: Any, **named: Any) -> Any:
        loss_of = make_loss(*words, **named)

        def stop_then(*batch: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call:
                os.kill(os.getpid(), signal.SIGTERM)
            return loss_of(*batch)

        return stop_then

    with monkeypatch.context() as patch:
        patch.setattr("mosforge.pretraining.pretrain.make_loss", stopping)
        assert train(corpus, tmp_path / "stopped") == 1
    assert train(corpus, tmp_path / "stopped") == 0
    assert calls == call
    assert learnt(tmp_path / "stopped") == learnt(tmp_path / "undisturbed")
