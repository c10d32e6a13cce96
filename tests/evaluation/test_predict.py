"""`mosforge evaluation predict`: which images are scored, and by which crops."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from skimage import data

from mosforge import Scorer
from mosforge.cli import main
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.seeds import generator
from mosforge.core.tables import read_table, write_table
from mosforge.models.folder import CARD, load_model, save_model
from mosforge.models.heads import ScoreHead, initialise
from mosforge.models.network import Network

CFG = {
    **{"dataset": "a", "split": "1", "backbone": "efficientnet_lite0", "initialisation": "imagenet"},
    **{"adaptation": "finetune", "test_dataset": "a", "crops": 3},
}
SIZE = 64
COUNT = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("evaluation")
    torch.manual_seed(0)
    head = ScoreHead(1280, 0.5)
    initialise([head.fc2])  # it starts at zero, and every score at the mean
    network = Network("efficientnet_lite0", head)
    facts = {"crop": SIZE, "test_crops": 9, "range": [0, 1], "higher_is_better": True, "dropout": 0.5}
    save_model(folder / "model", network, {"backbone": "efficientnet_lite0", "head": "score", **facts})
    images = [f"{i}.png" for i in range(COUNT)]
    frame = pd.DataFrame({"image": images, "path": [f"p/{i}" for i in images], "reference": images})
    frame = frame.assign(mos=np.linspace(1, 5, COUNT), quality=np.linspace(0, 1, COUNT))
    write_table(folder / "dataset.parquet", DATASET, frame, stage="test", cfg={})
    # One image is exactly a crop, one is smaller.
    sides = [SIZE, SIZE - 20, *range(SIZE + 6, SIZE + 6 * (COUNT - 1), 6)]
    packed = [
        (f"p/{i}", data.coffee()[j : j + side, 40 * j : 40 * j + side + 3 * (j > 1)])
        for j, (i, side) in enumerate(zip(images, sides, strict=False))
    ]
    write_pack(folder / "pack.parquet", folder / "pack.pixels", packed, stage="test", cfg={})
    parts = ["test", "test", "train", "test", "validation", "test", "train", "test"]
    split = frame[["image", "reference"]].assign(content=frame["reference"], part=parts, clean=True)
    split.loc[1, ["content", "clean"]] = "0.png", False
    write_table(folder / "split.parquet", SPLIT, split, stage="test", cfg={})
    return folder


@pytest.fixture
def run(place: Path, tmp_path: Path) -> Callable[..., int]:
    def call(*words: str, dataset: str = "dataset", pack: str = "pack", out: str = "out", **cfg: Any) -> int:
        return main(
            [
                *(
                    "evaluation",
                    "predict",
                    "--model",
                    f"{place}/model",
                    "--dataset",
                    f"{place}/{dataset}.parquet",
                ),
                *(
                    "--pack",
                    f"{place}/{pack}.parquet",
                    "--output",
                    f"{tmp_path}/{out}.parquet",
                    "--device",
                    "cpu",
                ),
                *("--cfg", json.dumps(CFG | cfg), *words),
            ]
        )

    return call


def test_only_the_test_part_is_scored(run: Callable[..., int], place: Path, tmp_path: Path) -> None:
    assert run("--split", f"{place}/split.parquet") == 0
    frame = read_table(tmp_path / "out.parquet", PREDICTIONS)
    assert frame["image"].tolist() == ["0.png", "1.png", "3.png", "5.png", "7.png"]
    dataset = read_table(place / "dataset.parquet", DATASET).set_index("image")
    assert frame["quality"].tolist() == dataset["quality"][frame["image"]].tolist()
    assert set(frame["initialisation"]) == {"imagenet"}
    assert frame["content"].tolist() == ["0.png", "0.png", "3.png", "5.png", "7.png"]
    assert frame["clean"].tolist() == [True, False, True, True, True]
    split = read_table(place / "split.parquet", SPLIT)
    others = set(split.loc[split["part"] != "test", "content"])
    assert set(frame["other_contents"]) == {len(others)}


def test_the_number_of_threads_changes_no_prediction(run: Callable[..., int], tmp_path: Path) -> None:
    for threads in ("1", "3"):
        assert run("--threads", threads, out=threads) == 0
    one, three = (read_table(tmp_path / f"{name}.parquet", PREDICTIONS) for name in ("1", "3"))
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_across_datasets_all_are_scored(run: Callable[..., int], tmp_path: Path) -> None:
    assert run(test_dataset="b") == 0
    assert len(read_table(tmp_path / "out.parquet", PREDICTIONS)) == COUNT


def test_a_prediction_is_the_mean_over_the_crops_of_its_seed(
    run: Callable[..., int], place: Path, tmp_path: Path
) -> None:
    """Done again by hand for one image: crops from (test dataset, split, image), one after the other."""
    assert run("--split", f"{place}/split.parquet") == 0
    row = read_table(tmp_path / "out.parquet", PREDICTIONS).set_index("image").loc["5.png"]
    side = SIZE + 6 * 4
    pixels = data.coffee()[5 : 5 + side, 200 : 200 + side + 3]
    network, _ = load_model(place / "model")
    places = generator("test crops", "a", "1", "5.png").integers(
        0, (side - SIZE + 1, side + 3 - SIZE + 1), (3, 2)
    )
    scores = []
    with torch.inference_mode():
        for top, left in places:
            crop = pixels[top : top + SIZE, left : left + SIZE].copy()
            scores.append(network(torch.from_numpy(crop)[None]).item())
    assert len(set(scores)) == 3
    assert row["prediction"] == pytest.approx(np.mean(scores), abs=1e-4)
    assert row["spread"] == pytest.approx(np.std(scores), abs=1e-4)


def test_a_grid_gives_the_scores_of_the_scorer(run: Callable[..., int], place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(place / "model", folder)
    card = json.loads((folder / CARD).read_text()) | {"test_crops": "grid", "view_side": 80}
    (folder / CARD).write_text(json.dumps(card))
    assert run("--model", str(folder), crops="grid") == 0
    frame = read_table(tmp_path / "out.parquet", PREDICTIONS)
    index = read_table(place / "pack.parquet", PACK)
    assert index["height"].iloc[-1] > 80, "some are shrunk"
    pack, scorer = Pack(index), Scorer(folder, device="cpu", threads=1)
    scores = [scorer.score(pack.image(i)) for i in range(COUNT)]
    assert frame["prediction"].tolist() == [score.raw for score in scores]
    assert frame["spread"].tolist() == [score.spread for score in scores]
    assert run("--model", str(folder), out="random") == 0
    random = read_table(tmp_path / "random.parquet", PREDICTIONS)
    assert (random["prediction"] != frame["prediction"]).any()


def test_crops_are_a_number_or_a_grid(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    for value in ("all", 0, True):
        with pytest.raises(SystemExit):
            run(crops=value)
        assert f"crops: {value!r} is not grid, or a whole number from 1" in capsys.readouterr().err


def test_an_image_of_one_crop_has_no_spread(run: Callable[..., int], tmp_path: Path) -> None:
    assert run(crops=6) == 0
    frame = read_table(tmp_path / "out.parquet", PREDICTIONS).set_index("image")
    assert frame.loc["0.png", "spread"] == 0
    assert frame.loc["1.png", "spread"] == 0, "a smaller image is continued to one crop"
    assert (frame["spread"][2:] > 0).all()


def test_neither_the_other_images_nor_their_order_change_a_score(
    run: Callable[..., int], place: Path, tmp_path: Path
) -> None:
    turned = read_table(place / "dataset.parquet", DATASET).iloc[::-2]
    write_table(place / "turned.parquet", DATASET, turned, stage="test", cfg={})
    assert run() == 0
    assert run(dataset="turned", out="turned") == 0
    whole, part = (
        read_table(tmp_path / f"{n}.parquet", PREDICTIONS).set_index("image") for n in ("out", "turned")
    )
    assert part["prediction"].tolist() == whole.loc[part.index, "prediction"].tolist()


def test_the_same_run_gives_the_same_bytes(run: Callable[..., int], tmp_path: Path) -> None:
    torch.manual_seed(1)
    assert run() == 0
    torch.manual_seed(2)
    assert run(out="again") == 0
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "again.parquet").read_bytes()


def test_an_image_that_is_not_packed_is_named(
    run: Callable[..., int], place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = read_table(place / "pack.parquet", PACK)
    write_table(place / "short.parquet", PACK, index[:-1], stage="test", cfg={})
    assert run(pack="short") == 1
    assert "p/7.png: not in the pack" in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


def test_a_split_without_a_test_part_is_refused(
    run: Callable[..., int], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = read_table(place / "split.parquet", SPLIT).assign(part="train")
    write_table(place / "trained.parquet", SPLIT, split, stage="test", cfg={})
    assert run("--split", f"{place}/trained.parquet") == 1
    assert "a: split 1 has no test image" in capsys.readouterr().err
