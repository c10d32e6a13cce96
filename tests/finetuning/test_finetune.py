"""The rule `finetune`: what it reads, what it learns, and which epoch it keeps."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageFilter
from safetensors.torch import load_file, save_file
from scipy.stats import spearmanr
from skimage import data

from mosforge.cli import main
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table, write_table
from mosforge.models.backbones import build_backbone
from mosforge.models.crops import draw_boxes, predict
from mosforge.models.folder import load_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.models.weights import Weights, write_weights

pytestmark = pytest.mark.slow  # trainings

BACKBONE = "efficientnet_lite0"
PARTS = ["train"] * 8 + ["validation"] * 4 + ["test"] * 4


REHEARSAL = {"corpus": "levels", "pairs": 2}


def random_weights(backbone: str) -> Weights:
    torch.manual_seed(0)
    return build_backbone(backbone).state_dict()


@dataclass
class Target:
    """Files of a target dataset; `cfg` are the parameters of its fine-tuning."""

    folder: Path
    cfg: dict[str, Any]

    def train(
        self,
        output: Path,
        *,
        weights: Path | None = None,
        dataset: str = "dataset",
        pack: str = "pack",
        split: str = "split",
        labels: str = "labels",
        **cfg: Any,
    ) -> int:
        rehearsal = ("--rehearsal", f"{self.folder}/{labels}.parquet")
        rehearsal = (*rehearsal, "--rehearsal_pack", f"{self.folder}/levels.parquet")
        return main(
            [
                *("finetuning", "finetune", "--dataset", f"{self.folder}/{dataset}.parquet"),
                *("--split", f"{self.folder}/{split}.parquet", "--pack", f"{self.folder}/{pack}.parquet"),
                *("--weights", str(weights or self.folder / "weights.safetensors"), "--output", str(output)),
                *(rehearsal if "rehearsal" in cfg else ()),
                *("--device", "cpu", "--cfg", json.dumps(self.cfg | cfg)),
            ]
        )


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, write_levels: Callable[[Path], None]) -> Target:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("target")
    coffee = Image.fromarray(data.coffee())
    images, rows = [], []
    for i in range(16):
        box = (30 * i, 100, 30 * i + 80 + i, 180)  # images of different sizes
        image = coffee.crop(box).filter(ImageFilter.GaussianBlur(i % 4))
        images.append((f"{folder}/{i}.png", np.asarray(image)))
        rows.append((f"{i}.png", f"{folder}/{i}.png", f"content {i}", 9 - 3.0 * (i % 4), 1 - (i % 4) / 3))
    frame = pd.DataFrame(rows, columns=["image", "path", "reference", "mos", "quality"])
    write_table(folder / "dataset.parquet", DATASET, frame, stage="test", cfg={})
    write_pack(folder / "pack.parquet", folder / "pack.pixels", images, stage="test", cfg={})
    for name, parts in {"split": PARTS, "without": [p.replace("validation", "train") for p in PARTS]}.items():
        split = frame[["image", "reference"]].assign(content=frame["reference"], part=parts)
        write_table(folder / f"{name}.parquet", SPLIT, split, stage="test", cfg={})
    write_levels(folder)
    state = {key: value.contiguous() for key, value in random_weights(BACKBONE).items()}
    save_file(state, folder / "weights.safetensors")
    cfg = {
        **{"dataset": "toy", "split": "1", "backbone": BACKBONE, "initialisation": "imagenet", "seed": 0},
        "multi_level": False,
        **{"crop": 64, "flip": True, "epochs": 2, "patches": 2, "batch_size": 8},
        **{"schedule": "constant", "warm_up": 50, "dropout": 0.5},
        **{"range": [0.0, 9.0], "higher_is_better": True, "layout": "table"},
        **{"sources": []},
        "learning_rates": {"backbone": 1e-3, "head": 1e-3},
    }
    return Target(folder, cfg)


@pytest.fixture
def arguments(
    target: Target, tmp_path: Path, fit_arguments: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """The arguments of `fit` in a training with these options."""
    return lambda **options: fit_arguments(
        "finetuning.finetune", lambda: target.train(tmp_path / "m", **options)
    )


def test_a_training_writes_a_model_and_its_history_and_nothing_else(target: Target, tmp_path: Path) -> None:
    assert target.train(tmp_path / "m", split="without", head_first=None) == 0
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "card.json",
        "card.md",
        "history.parquet",
        "model.safetensors",
    ]
    _, card = load_model(tmp_path / "m")
    assert (card["head"], card["pictures"], card["range"]) == ("score", 12, [0.0, 9.0])
    history = read_table(tmp_path / "m/history.parquet", HISTORY)
    assert history["epoch"].tolist() == [1, 2]
    assert history["validation_srocc"].isna().all()
    assert card["measured"] == {
        "device": "CPU",
        "images_per_second": pytest.approx(history["images_per_second"].median(), abs=0.05),
        "peak_memory_mib": pytest.approx(history["peak_memory"].max(), abs=0.5),
    }


def test_the_images_of_the_test_part_are_never_seen(
    target: Target, tmp_path: Path, learnt: Callable[[Path], object]
) -> None:
    index = read_table(target.folder / "pack.parquet", PACK)
    blackened = [
        (path, pixels if part != "test" else 0 * pixels)
        for path, part, pixels in zip(index["path"], PARTS, Pack(index).images(), strict=True)
    ]
    write_pack(
        target.folder / "black.parquet", target.folder / "black.pixels", blackened, stage="test", cfg={}
    )
    assert target.train(tmp_path / "a", epochs=1) == 0
    assert target.train(tmp_path / "b", epochs=1, pack="black") == 0
    assert learnt(tmp_path / "a") == learnt(tmp_path / "b")


def test_the_validation_chooses_the_epoch_and_is_not_trained_on(target: Target, tmp_path: Path) -> None:
    """The kept weights give, on the validation part, the best rank correlation of the history."""
    assert target.train(tmp_path / "m", patches=1, epochs=3) == 0
    history = read_table(tmp_path / "m/history.parquet", HISTORY)
    network, card = load_model(tmp_path / "m")
    assert card["pictures"] == 8
    dataset = read_table(target.folder / "dataset.parquet", DATASET)
    pack = Pack(read_table(target.folder / "pack.parquet", PACK))
    scores = []
    for i in np.flatnonzero(np.array(PARTS) == "validation"):
        boxes = draw_boxes(pack.image(int(i)), 64, 5, "validation", dataset["image"].iloc[i])
        scores.append(predict(network, pack.image(int(i)), boxes, 64, torch.device("cpu")).scores.mean())
    srocc = spearmanr(scores, dataset["quality"][np.array(PARTS) == "validation"]).statistic
    assert srocc == pytest.approx(history["validation_srocc"].max(), abs=1e-9)


def test_the_scores_start_at_the_mean_of_the_training_part(target: Target, tmp_path: Path) -> None:
    assert target.train(tmp_path / "m", epochs=1, learning_rates={"backbone": 1e-30, "head": 1e-30}) == 0
    assert load_file(tmp_path / "m/model.safetensors")["head.fc2.bias"].item() == pytest.approx(0.5)


def test_it_starts_from_a_pretrained_model(target: Target, tmp_path: Path) -> None:
    torch.manual_seed(4)
    pretrained = Network(BACKBONE, MultiTaskHead(1280, 3))
    weights = tmp_path / "pretrained.safetensors"
    save_file({name: value.contiguous() for name, value in pretrained.state_dict().items()}, weights)
    rates = {"backbone": 1e-30, "head": 1e-3}
    assert target.train(tmp_path / "m", weights=weights, epochs=1, learning_rates=rates) == 0
    state = load_file(tmp_path / "m/model.safetensors")
    for name, value in pretrained.backbone.named_parameters():
        torch.testing.assert_close(state[f"backbone.{name}"], value.detach(), rtol=0, atol=1e-29)


def test_the_loop_gets_the_settings_and_the_samples(
    target: Target, arguments: Callable[..., dict[str, Any]]
) -> None:
    call, other = arguments(patches=7, dropout=0.3), arguments(seed=1)
    assert call["cfg"].plain() == target.cfg | {"patches": 7, "dropout": 0.3}
    assert call["network"].head.dropout.p == 0.3
    heads = [one["network"].head.fc1.weight for one in (call, other)]
    assert not torch.equal(*heads), "the seed decides on its first weights"
    assert call["rows"].tolist() == list(range(8))
    assert call["names"] == [f"{i}.png" for i in range(8)]


def test_a_crop_that_the_network_cannot_take_is_refused_before_the_training(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert target.train(tmp_path / "m", backbone="vit_tiny_patch16_224") == 1
    assert "vit_tiny_patch16_224 takes only images of 224 pixels" in capsys.readouterr().err


@pytest.mark.parametrize("batch_size", [5, 1])
def test_a_last_batch_that_the_network_cannot_take_is_refused_before_the_training(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str], batch_size: int
) -> None:
    """MobileNetV4 has batch normalisation after the pooling, where a single crop is a single value."""
    backbone, weights = "mobilenetv4_conv_small_035", tmp_path / "w.safetensors"
    write_weights(random_weights(backbone), weights)
    options = {"backbone": backbone, "weights": weights, "epochs": 1}
    assert target.train(tmp_path / "m", batch_size=batch_size, **options) == 1
    err = capsys.readouterr().err
    assert f"would be a single crop (16 in batches of {batch_size})" in err
    assert not err.startswith("epoch")
    assert target.train(tmp_path / "m", batch_size=7, **options) == 0


def test_a_stopped_training_goes_on_only_where_all_is_as_it_was(
    target: Target, tmp_path: Path, arguments: Callable[..., dict[str, Any]]
) -> None:
    """Its state has another name for other parts, labels, images, first weights and parameters."""
    dataset = read_table(target.folder / "dataset.parquet", DATASET)
    split = read_table(target.folder / "split.parquet", SPLIT)
    parts = [*PARTS[:3], "validation", *PARTS[4:8], "train", *PARTS[9:]]
    write_table(target.folder / "other.parquet", SPLIT, split.assign(part=parts), stage="test", cfg={})
    lower = dataset.assign(quality=dataset["quality"].where(dataset.index != 0, 0.9))
    write_table(target.folder / "lower.parquet", DATASET, lower, stage="test", cfg={})
    state = load_file(target.folder / "weights.safetensors")
    save_file(state | {"bn1.bias": state["bn1.bias"] + 0.01}, tmp_path / "w.safetensors")
    index = read_table(target.folder / "pack.parquet", PACK)
    packed = index.assign(sha256=index["sha256"].where(index.index != 0, "0" * 64))
    write_table(target.folder / "packed.parquet", PACK, packed, stage="test", cfg={})

    labels = read_table(target.folder / "labels.parquet", LABELS)
    labels.loc[4, "pmos"] = 0.5
    write_table(target.folder / "relabelled.parquet", LABELS, labels, stage="test", cfg={})

    def state_file(**options: Any) -> Path:
        file: Path = arguments(**options)["state_file"]
        return file

    assert state_file() == state_file()
    others: list[dict[str, Any]] = [
        {"split": "other"},
        {"dataset": "lower"},
        {"pack": "packed"},
        {"weights": tmp_path / "w.safetensors"},
        {"seed": 1},
        {"rehearsal": REHEARSAL},
        {"rehearsal": REHEARSAL, "labels": "relabelled"},
    ]
    assert len({state_file(), *(state_file(**options) for options in others)}) == 1 + len(others)


@pytest.mark.slow
def test_it_learns_to_tell_sharp_from_blurred(target: Target, tmp_path: Path) -> None:
    rates = {"backbone": 1e-3, "head": 3e-3}
    assert (
        target.train(tmp_path / "m", split="without", epochs=20, patches=6, dropout=0.0, learning_rates=rates)
        == 0
    )
    losses = read_table(tmp_path / "m/history.parquet", HISTORY)["loss"].tolist()
    best_constant = 1 / 3  # mean distance of 0, 1/3, 2/3 and 1 from their median
    assert np.mean(losses[-5:]) < 0.6 * best_constant


def test_an_image_that_is_not_packed_or_not_in_the_dataset_is_named(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = read_table(target.folder / "pack.parquet", PACK)
    write_table(target.folder / "short.parquet", PACK, index[index.index != 3], stage="test", cfg={})
    assert target.train(tmp_path / "m", pack="short") == 1
    assert "3.png: not in the pack" in capsys.readouterr().err
    split = read_table(target.folder / "split.parquet", SPLIT).replace({"image": {"2.png": "foreign.png"}})
    write_table(target.folder / "foreign.parquet", SPLIT, split, stage="test", cfg={})
    assert target.train(tmp_path / "m", split="foreign") == 1
    assert "foreign.png: in the split, but not in the dataset" in capsys.readouterr().err


def test_a_split_without_a_training_part_is_reported(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = read_table(target.folder / "split.parquet", SPLIT).assign(part="test")
    write_table(target.folder / "none.parquet", SPLIT, split, stage="test", cfg={})
    assert target.train(tmp_path / "m", split="none") == 1
    assert "nothing to train on" in capsys.readouterr().err


def test_multi_level_features_are_fine_tuned(target: Target, tmp_path: Path) -> None:
    assert target.train(tmp_path / "m", epochs=1, multi_level=True) == 0
    network, card = load_model(tmp_path / "m")
    assert card["multi_level"] is True
    assert network.head.fc1.in_features == 24 + 40 + 112 + 1280


def test_a_fine_tuning_rehearses_pairs_of_levels_beside_its_batches(target: Target, tmp_path: Path) -> None:
    """A last batch of a single crop has the pairs beside it, too."""
    assert target.train(tmp_path / "m", epochs=1, batch_size=5, rehearsal=REHEARSAL) == 0
    _, card = load_model(tmp_path / "m")
    assert (card["pictures"], card["rehearsal"]) == (8, REHEARSAL)
    (row,) = read_table(tmp_path / "m/history.parquet", HISTORY).to_dict("records")
    assert row["loss"] == pytest.approx(row["score_loss"] + row["rehearsal_loss"])
    assert 0 <= row["in_order"] <= 1
    assert np.isnan(row["class_loss"])
    text = (tmp_path / "m/card.md").read_text()
    assert "Rehearsed: 2 pairs of images of the corpus `levels` in each step" in text


def test_the_loop_gets_the_images_that_are_rehearsed(
    target: Target, arguments: Callable[..., dict[str, Any]]
) -> None:
    call = arguments(rehearsal=REHEARSAL)
    assert call["rows"].tolist() == list(range(8))
    assert call["beside"].rows.tolist() == list(range(12, 21))
    assert call["names"][8:] == read_table(target.folder / "labels.parquet", LABELS)["path"].tolist()
    assert call["pack"].heights[12:].tolist() == [80] * 9
    assert arguments()["beside"] is None


def test_an_image_to_rehearse_that_is_not_packed_is_named(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = read_table(target.folder / "labels.parquet", LABELS)
    labels.loc[2, "path"] = "elsewhere.png"
    write_table(target.folder / "moved.parquet", LABELS, labels, stage="test", cfg={})
    assert target.train(tmp_path / "m", labels="moved", rehearsal=REHEARSAL) == 1
    assert "elsewhere.png: not in the pack" in capsys.readouterr().err
