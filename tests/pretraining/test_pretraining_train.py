"""`mosforge pretraining`, from weights and packs to a model that can score."""

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
from mosforge.core.files import sha256_of_file
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table, write_table
from mosforge.models.folder import load_model
from mosforge.pretraining.objective import loss_for
from mosforge.scoring.scorer import Scorer
from mosforge.training.recipe import Recipe

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
            *("pretraining", "train", "--labels", str(labels or corpus.labels)),
            *("--pack", str(pack or corpus.pack)),
            *("--weights", str(weights or corpus.weights), "--output", str(folder), "--device", "cpu"),
            *("--cfg", json.dumps(corpus.cfg | cfg), *words),
        ]
    )


@pytest.fixture
def asked(
    corpus: Any, tmp_path: Path, asked_of_loop: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """What a training with these options asks of the loop."""
    return lambda **options: asked_of_loop("pretraining", lambda: train(corpus, tmp_path / "m", **options))


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
    picture = corpus.labels.with_name("coffee-0-0.png")
    score = Scorer(tmp_path / "m", device="cpu").score(picture)
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
def test_several_labels_a_picture_are_bits(corpus: Any, tmp_path: Path) -> None:
    assert train(corpus, tmp_path / "m", label_kind="multiple", epochs=1) == 0
    history = read_table(tmp_path / "m/history.parquet", HISTORY)
    assert history["class_loss"].iloc[0] < 1.5


def test_an_authentic_corpus_is_trained_on_the_training_part_alone(corpus: Any, tmp_path: Path) -> None:
    parts = {"0.png": "train", "1.png": "test", "2.png": "validation", "3.png": "train"}
    split = pd.DataFrame({"image": list(parts), "reference": list(parts), "part": list(parts.values())})
    write_table(tmp_path / "split.parquet", SPLIT, split, stage="test", cfg={})
    index = read_table(corpus.pack, PACK)
    allowed = index["path"].str.contains(r"coffee-[03]-").tolist()
    # The same pack with every picture of another part blackened: were one read, the weights would differ.
    pictures = zip(index["path"], allowed, Pack(index).images(), strict=True)
    blackened = ((path, pixels if keep else 0 * pixels) for path, keep, pixels in pictures)
    write_pack(tmp_path / "black.parquet", tmp_path / "black.pixels", blackened, stage="test", cfg={})
    words = ("--split", str(tmp_path / "split.parquet"))
    assert train(corpus, tmp_path / "a", *words, sources=["coffee"], split="1", epochs=1) == 0
    assert (
        train(
            corpus,
            tmp_path / "b",
            *words,
            sources=["coffee"],
            split="1",
            epochs=1,
            pack=tmp_path / "black.parquet",
        )
        == 0
    )
    assert json.loads((tmp_path / "a/card.json").read_text())["pictures"] == sum(allowed) == 6
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]


def test_a_labelled_picture_that_is_not_packed_is_named(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = read_table(corpus.pack, PACK)
    write_table(tmp_path / "pack.parquet", PACK, index[:-1], stage="test", cfg={})
    assert train(corpus, tmp_path / "m", pack=tmp_path / "pack.parquet") == 1
    lost = index["path"].iloc[-1]
    assert capsys.readouterr().err == (
        f"mosforge: error: {lost}: not in the pack of pictures; run the stage that packs it again\n"
    )


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
    assert capsys.readouterr().err.endswith(
        "model.safetensors: no room on the disk; make room and run again\n"
    )
    (tmp_path / "m/.state-other.pt").touch()
    assert train(corpus, tmp_path / "m", epochs=1) == 0
    assert not [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    assert (tmp_path / "m/model.safetensors").exists()
    assert not list((tmp_path / "m").glob(".*"))


def test_the_loop_is_asked_for_the_recipe_of_the_parameters(
    corpus: Any, asked: Callable[..., dict[str, Any]]
) -> None:
    call, other = asked(), asked(seed=1)
    assert call["recipe"] == Recipe.from_parameters(corpus.cfg, repeats=1)
    heads = [asking["network"].head.rfc1.weight for asking in (call, other)]
    assert not torch.equal(*heads), "the seed decides on its first weights"
    assert call["rows"].tolist() == list(range(24))
    assert call["names"] == read_table(corpus.labels, LABELS)["path"].tolist()
    assert call["groups"] is None


def test_ranking_keeps_series_together_and_asks_for_the_margin(asked: Callable[..., dict[str, Any]]) -> None:
    """Without groups few pairs would meet in a batch; a pair of equal scores is a margin away from order."""
    call = asked(objective="rank", rank_margin=0.125)
    assert np.unique(call["groups"], return_counts=True)[1].tolist() == [3] * 8
    assert all(len(set(series)) == 1 for series in call["groups"].reshape(8, 3))
    losses = call["loss_of"]((None, torch.zeros(2)), torch.tensor([0, 1]))
    assert losses["loss"].item() == losses["score_loss"].item() == 0.125


def test_a_stopped_training_goes_on_only_where_all_is_as_it_was(
    corpus: Any, tmp_path: Path, asked: Callable[..., dict[str, Any]]
) -> None:
    """Its state has another name for other labels, pictures, first weights and parameters."""
    labels, index = read_table(corpus.labels, LABELS), read_table(corpus.pack, PACK)
    changed = {
        "class_index": [1, *labels["class_index"][1:]],
        "level": [2, *labels["level"][1:]],
        "pmos": [0.3, *labels["pmos"][1:]],
        "agreement": [0.3, *labels["agreement"][1:]],
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
        file: Path = asked(**options)["state_file"]
        return file

    assert state_file() == state_file()
    others: list[dict[str, Any]] = [
        *({"labels": files[name]} for name in ("class_index", "level", "pmos")),
        {"pack": tmp_path / "packed.parquet"},
        {"weights": tmp_path / "w.safetensors"},
        {"seed": 1},
    ]
    assert len({state_file(), *(state_file(**options) for options in others)}) == 1 + len(others)
    for options, name in (({"agreement_scale": 0.1}, "agreement"), ({"label_kind": "multiple"}, "labels")):
        assert state_file(**options) != state_file(labels=files[name], **options)


@pytest.mark.slow
@pytest.mark.parametrize("call", [2, 3, 5])
def test_a_training_that_was_stopped_ends_with_the_same_model(
    corpus: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    learnt: Callable[[Path], object],
    call: int,
) -> None:
    """Three steps an epoch, two epochs; the whole network, not a toy."""
    assert train(corpus, tmp_path / "undisturbed") == 0
    calls = 0

    def stopping(*words: Any, **named: Any) -> Any:
        loss_of = loss_for(*words, **named)

        def stop_then(*batch: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call:
                os.kill(os.getpid(), signal.SIGTERM)
            return loss_of(*batch)

        return stop_then

    with monkeypatch.context() as patch:
        patch.setattr("mosforge.pretraining.train.loss_for", stopping)
        assert train(corpus, tmp_path / "stopped") == 1
    assert train(corpus, tmp_path / "stopped") == 0
    assert calls == call
    assert learnt(tmp_path / "stopped") == learnt(tmp_path / "undisturbed")


def test_weights_packs_and_indices_on_the_command_line(
    corpus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "pretraining",
                "fetch_weights",
                "--backbone",
                "resnet18",
                "--source",
                "none",
                "--output",
                "w.safetensors",
            ]
        )
        == 0
    )
    assert load_file("w.safetensors")["conv1.weight"].shape == (64, 3, 7, 7)
    labels = read_table(corpus.labels, LABELS)
    manifest = labels.drop(columns=["ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd", "pmos", "agreement"])
    for number in range(2):
        shard = tmp_path / f"pictures/{number}"
        rows = manifest[12 * number : 12 * number + 12].assign(width=100, height=90, bytes=1)
        rows["sha256"] = [sha256_of_file(path) for path in rows["path"]]
        write_table(shard / "manifest.parquet", MANIFEST, rows, stage="test", cfg={})
        out = f"packs/blur/s-{number:05d}"
        words = ["--pictures", str(shard), "--index", f"{out}.parquet", "--pixels", f"{out}.pixels"]
        assert main(["pretraining", "pack", *words, "--threads", "2", "--cfg", '{"resize": 80}']) == 0
    cfg = json.dumps({"groups": ["blur"], "shards": {"s": 2}})
    assert main(["pretraining", "index", "--packs", "packs", "--output", "pack.parquet", "--cfg", cfg]) == 0
    joined, expected = read_table("pack.parquet", PACK), read_table(corpus.pack, PACK)
    assert joined["path"].tolist() == expected["path"].tolist()
    assert joined["sha256"].tolist() == expected["sha256"].tolist()
