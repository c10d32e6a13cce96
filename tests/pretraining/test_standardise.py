"""Heads that learn by themselves, on a frozen backbone and standardised features, from two corpora."""

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
from safetensors.torch import load_file

from mosforge.cli import main
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table, write_table
from mosforge.models.folder import load_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.models.weights import load_backbone
from mosforge.pretraining.objective import make_loss
from mosforge.scoring.scorer import Scorer
from mosforge.training.batches import Mixture, epoch_order

pytestmark = pytest.mark.slow  # trainings

SIDE = 80  # of the images of the corpus: every crop is a whole image
SHARE = 0.75  # of the mixtures in a batch


@pytest.fixture(scope="module")
def folder(corpus: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels and packs of a synthetic corpus, and of mixtures of the same pristine images."""
    folder = tmp_path_factory.mktemp("both")
    labels, packs = read_table(corpus.labels, LABELS), read_table(corpus.pack, PACK)
    paths = [f"{folder}/{i}.png" for i in range(len(labels))]
    images = zip(paths, (np.flipud(image) for image in Pack(packs).images()), strict=True)
    write_pack(folder / "mixtures.parquet", folder / "mixtures.pixels", images, stage="test", cfg={})
    both = pd.concat([packs, read_table(folder / "mixtures.parquet", PACK)])
    write_table(folder / "pack.parquet", PACK, both, stage="test", cfg={})
    mixtures = labels.assign(path=paths, group="authentic", class_index=pd.NA, level=pd.NA)
    write_table(folder / "labels.parquet", LABELS, pd.concat([labels, mixtures]), stage="test", cfg={})
    return folder


def train(corpus: Any, folder: Path, output: Path) -> int:
    classes = [f"{name} {i}" for name in ("synthetic", "mixed") for i in range(3)]
    cfg = corpus.cfg | {"corpus": "both", "label_kind": "both", "classes": classes, "single_classes": 3}
    cfg |= {"authentic_share": SHARE, "crop": SIDE, "frozen_stages": "all", "standardise": True}
    cfg |= {"learning_rates": {"classification": 1e-3, "score": 1e-4}, "batch_size": 16, "head_width": 32}
    return main(
        [
            *("pretraining", "pretrain", "--weights", str(corpus.weights), "--output", str(output)),
            *("--labels", f"{folder}/labels.parquet", "--pack", f"{folder}/pack.parquet"),
            *("--device", "cpu", "--cfg", json.dumps(cfg)),
        ]
    )


def test_only_the_branches_learn_from_standardised_features(
    corpus: Any, folder: Path, tmp_path: Path
) -> None:
    assert train(corpus, folder, tmp_path / "m") == 0
    first, state = load_file(corpus.weights), load_file(tmp_path / "m/model.safetensors")
    backbone = {key.removeprefix("backbone."): key for key in state if key.startswith("backbone.")}
    assert all(torch.equal(first[name], state[key]) for name, key in backbone.items())
    network, card = load_model(tmp_path / "m")
    assert (card["frozen_stages"], card["standardise"]) == ("all", True)
    assert bool((state["head.rfc3.weight"] != 0).any())
    assert bool((state["head.cfc2.bias"] != 0).all()), "the classes of both corpora"

    # The features of the network as it starts, of the images that an epoch draws.
    start = Network(card["backbone"], MultiTaskHead(1280, 6)).eval()
    load_backbone(start, corpus.weights)
    images = np.stack(list(Pack(read_table(folder / "pack.parquet", PACK)).images()))
    drawn = epoch_order(0, 0, 48, mixture=Mixture((np.arange(48) >= 24).astype(int), (1 - SHARE, SHARE))) % 48
    with torch.inference_mode():
        vectors = start.vectors(torch.from_numpy(images)).double().numpy()[drawn]
    np.testing.assert_allclose(network.head.mean.numpy(), vectors.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(network.head.deviation.numpy(), vectors.std(0) + 0.001, rtol=1e-4)

    image = corpus.labels.with_name("coffee-0-0.png")
    assert Scorer(tmp_path / "m", device="cpu").score(image).distortions is not None


def test_a_stopped_training_goes_on_with_the_statistics_that_it_began_with(
    corpus: Any,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    learnt: Callable[[Path], object],
) -> None:
    assert train(corpus, folder, tmp_path / "undisturbed") == 0

    def stopping(*words: Any, **named: Any) -> Any:
        loss_of = make_loss(*words, **named)

        def stop(*batch: Any) -> Any:
            os.kill(os.getpid(), signal.SIGTERM)
            return loss_of(*batch)

        return stop

    with monkeypatch.context() as patch:
        patch.setattr("mosforge.pretraining.pretrain.make_loss", stopping)
        assert train(corpus, folder, tmp_path / "stopped") == 1
    # a resumed training needs no second pass
    monkeypatch.delattr("mosforge.pretraining.pretrain.standardise")
    assert train(corpus, folder, tmp_path / "stopped") == 0
    assert learnt(tmp_path / "stopped") == learnt(tmp_path / "undisturbed")
