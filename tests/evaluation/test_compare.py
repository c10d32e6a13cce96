"""Measures without a network: whose scores they take, and what BRISQUE may learn from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from scipy import stats
from skimage import data

from mosforge.cli import main
from mosforge.core.packs import write_pack
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.targets import BRISQUE_FEATURES, TARGET_SCORES
from mosforge.core.tables import read_table, write_table

COUNT = 40
SIDE = 80


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty blurred images, the better the sharper, half of them for training; one is black."""
    folder = tmp_path_factory.mktemp("comparisons")
    images = [f"{i:02}.png" for i in range(COUNT)]
    blur = np.random.default_rng(0).uniform(0, 3, COUNT)
    frame = pd.DataFrame({"image": images, "path": [f"p/{i}" for i in images], "reference": images})
    frame = frame.assign(mos=5 - blur, quality=1 - blur / 3)
    write_table(folder / "dataset.parquet", DATASET, frame, stage="test", cfg={})
    coffee = Image.fromarray(data.coffee())
    packed = []
    for i, sigma in enumerate(blur):
        left, top = 12 * i, 7 * i
        tile = coffee.crop((left, top, left + SIDE, top + SIDE))
        pixels = np.asarray(tile.filter(ImageFilter.GaussianBlur(float(sigma))))
        packed.append((f"p/{images[i]}", np.zeros_like(pixels) if i == 5 else pixels))
    write_pack(folder / "pack.parquet", folder / "pack.pixels", packed, stage="test", cfg={})
    parts = ["train" if i % 2 else "test" for i in range(COUNT)]
    split = frame[["image", "reference"]].assign(content=frame["reference"], part=parts)
    write_table(folder / "split.parquet", SPLIT, split, stage="test", cfg={})
    shown = frame[["image", "path", "reference", "mos", "quality"]].iloc[::-1]
    targets = shown.assign(dataset="a", reference_path="p/whole.png")
    for place_, name in enumerate((*METRICS, "psnr")):
        targets[name] = np.random.default_rng(place_).uniform(size=COUNT)
    write_table(folder / "targets.parquet", TARGET_SCORES, targets, stage="test", cfg={})
    words = ["--dataset", f"{folder}/dataset.parquet", "--pack", f"{folder}/pack.parquet"]
    assert main(["evaluation", "brisque", *words, "--output", f"{folder}/brisque.parquet"]) == 0
    return folder


@pytest.fixture
def compare(place: Path, tmp_path: Path) -> Callable[..., int]:
    def call(metric: str, *, scores: str, split: str = "split", within: bool = True, **run: Any) -> int:
        keys = {"dataset": "a", "split": "1", "backbone": "none", "initialisation": metric}
        words = ["--test_dataset", "dataset", "--test_scores", scores]
        words += ["--test_split", split] if within else []
        if metric == "brisque":
            words += ["--dataset", "dataset", "--split", split, "--scores", scores]
        files = [word if word.startswith("--") else f"{place}/{word}.parquet" for word in words]
        cfg = json.dumps(keys | {"test_dataset": "a", "adaptation": "none"} | run)
        return main(["evaluation", "compare", *files, "--output", f"{tmp_path}/out.parquet", "--cfg", cfg])

    return call


def test_a_full_reference_metric_predicts_its_score(
    compare: Callable[..., int], place: Path, tmp_path: Path
) -> None:
    targets = read_table(place / "targets.parquet", TARGET_SCORES).set_index("image")
    for metric, sign in (("psnr", 1), ("fsim", 1), ("mdsi", -1), ("gmsd", -1)):
        assert compare(metric, scores="targets") == 0
        frame = read_table(tmp_path / "out.parquet", PREDICTIONS)
        assert frame["image"].tolist() == [f"{i:02}.png" for i in range(0, COUNT, 2)]
        assert frame["prediction"].tolist() == (sign * targets.loc[frame["image"], metric]).tolist()
        assert set(frame["backbone"]) == {"none"}
        assert set(frame["initialisation"]) == {metric}


def test_brisque_learns_from_its_features(compare: Callable[..., int], tmp_path: Path) -> None:
    assert compare("brisque", scores="brisque") == 0
    frame = read_table(tmp_path / "out.parquet", PREDICTIONS)
    assert len(frame) == COUNT / 2
    assert stats.spearmanr(frame["prediction"], frame["quality"]).statistic > 0.6


def test_brisque_never_sees_the_scores_of_the_test_part(
    compare: Callable[..., int], place: Path, tmp_path: Path
) -> None:
    assert compare("brisque", scores="brisque") == 0
    before = read_table(tmp_path / "out.parquet", PREDICTIONS)["prediction"]
    whole = read_table(place / "dataset.parquet", DATASET)
    parts = read_table(place / "split.parquet", SPLIT)["part"]
    try:
        changed = whole.assign(quality=np.where(parts == "test", 1 - whole["quality"], whole["quality"]))
        write_table(place / "dataset.parquet", DATASET, changed, stage="test", cfg={})
        assert compare("brisque", scores="brisque") == 0
        assert read_table(tmp_path / "out.parquet", PREDICTIONS)["prediction"].equals(before)
        changed = whole.assign(quality=np.where(parts == "train", 1 - whole["quality"], whole["quality"]))
        write_table(place / "dataset.parquet", DATASET, changed, stage="test", cfg={})
        assert compare("brisque", scores="brisque") == 0
        assert not read_table(tmp_path / "out.parquet", PREDICTIONS)["prediction"].equals(before)
    finally:
        write_table(place / "dataset.parquet", DATASET, whole, stage="test", cfg={})


def test_across_datasets_all_are_scored(compare: Callable[..., int], tmp_path: Path) -> None:
    for metric, scores in (("brisque", "brisque"), ("psnr", "targets")):
        assert compare(metric, scores=scores, test_dataset="b", within=False) == 0
        frame = read_table(tmp_path / "out.parquet", PREDICTIONS)
        assert len(frame) == COUNT
        assert frame["content"].equals(frame["image"])
        assert frame["clean"].isna().all()  # nothing was compared


def test_an_image_without_features_in_the_table_is_named(
    compare: Callable[..., int], place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = read_table(place / "brisque.parquet", BRISQUE_FEATURES).iloc[:-2]
    write_table(place / "short.parquet", BRISQUE_FEATURES, short, stage="test", cfg={})
    assert compare("brisque", scores="short") == 1
    assert "short.parquet: 39.png" in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("count", [20, 7, 2, 1, 0])
def test_a_metric_scores_the_test_images_that_it_can_compare(
    compare: Callable[..., int], place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    """Of 20 test images, of which a correlation needs two."""
    targets = read_table(place / "targets.parquet", TARGET_SCORES).sort_values("image")
    some = targets[targets["image"].isin([f"{i:02}.png" for i in range(1, 2 * count, 2)])]
    some = pd.concat([some, targets.iloc[: 2 * count : 2]])
    write_table(place / "some.parquet", TARGET_SCORES, some, stage="test", cfg={})
    assert compare("mdsi", scores="some") == 0
    frame = read_table(tmp_path / "out.parquet", PREDICTIONS)
    assert frame["image"].tolist() == [f"{i:02}.png" for i in range(0, 2 * count, 2)]
    assert (f"mdsi on a, split 1: {count} of 20 " in capsys.readouterr().err) == (count < 20)
    predictions, table = (str(tmp_path / name) for name in ("out.parquet", "table.parquet"))
    assert main(["evaluation", "correlate", "--predictions", predictions, "--output", table]) == 0
    assert read_table(table, CORRELATIONS)["images"].tolist() == [count] * (count > 1)
    assert (f"{predictions}: left out, with {count} " in capsys.readouterr().err) == (count < 2)


def test_nothing_to_train_on_is_refused(
    compare: Callable[..., int], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = read_table(place / "split.parquet", SPLIT).replace({"part": {"train": "validation"}})
    write_table(place / "untrained.parquet", SPLIT, split, stage="test", cfg={})
    assert compare("brisque", scores="brisque", split="untrained") == 1
    assert "a: split 1 has no training image" in capsys.readouterr().err


def test_what_brisque_is_trained_on_must_be_given(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = {"dataset": "a", "split": "1", "backbone": "none", "initialisation": "brisque"}
    run |= {"test_dataset": "b", "adaptation": "none"}
    words = ["--test_dataset", f"{place}/dataset.parquet", "--test_scores", f"{place}/brisque.parquet"]
    words += ["--output", f"{tmp_path}/out.parquet", "--cfg", json.dumps(run)]
    assert main(["evaluation", "compare", *words]) == 1
    assert "give --dataset, --split and --scores" in capsys.readouterr().err
