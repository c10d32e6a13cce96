"""The estimate of a run: what its jobs add up to, and how fast the machine is."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plans import plan_of

from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import write_table
from mosforge.plan import estimate as module
from mosforge.plan.estimate import estimate, measured_rate, work_of
from mosforge.plan.plan import Plan


@pytest.fixture
def plan(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Ten images of 200x300 pixels to distort, and four rated ones."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(10):
        Image.new("RGB", (200, 300)).save(tmp_path / f"photos/{number}.png")
    (tmp_path / "scores.csv").write_text("image,mos\n" + "".join(f"{i}.png,{i}\n" for i in range(5)))
    config["sources"]["collections"] = {"photos": {"folder": "photos"}}
    config["distortions"]["corpora"] = {"synthetic": {"kind": "synthetic", "sources": ["photos"]}}
    config["finetuning"]["datasets"] = {
        "mine": {
            "layout": "table",
            "folder": ".",
            "table": "scores.csv",
            "images": "photos",
            "range": [0, 9],
            "higher_is_better": True,
            "corpus": "synthetic",
        }
    }
    config["evaluation"]["experiments"] = {
        "mine": {"datasets": ["mine"], "backbones": ["resnet50"], "initialisations": ["multitask"]}
    }
    return plan_of(config)


def jobs(plan: Plan) -> list[tuple[str, SimpleNamespace]]:
    run = SimpleNamespace(
        dataset="mine",
        split="1",
        backbone="resnet50",
        initialisation="synthetic-multitask",
        training="",
        adaptation="finetune",
        test_dataset="mine",
        corpus="synthetic",
        objective="multitask",
    )
    shard = SimpleNamespace(corpus="synthetic", group="jpeg", shard="photos-00000")
    return [("distort", shard), ("pack_shard", shard), ("pack_dataset", run), ("fuse", run)] + [
        (rule, run) for rule in ("pretrain", "finetune", "predict")
    ]


def test_work_is_added_up_from_jobs(plan: Plan) -> None:
    work = work_of(plan, jobs(plan))
    assert work.images == 10 * 5, "levels of JPEG"
    assert work.trained == {"resnet50": 10 * 39 * 30 + 4 * 100 * 10}
    assert work.scored == {"resnet50": 60}
    packs = 3 * 256**2 * 50 + 3 * 60_000 * 5
    assert work.disk == pytest.approx(packs + 50 * 60_000 * module._BYTES_OF_A_PIXEL)


def test_a_budget_of_ratings_is_all_that_a_training_sees(plan: Plan) -> None:
    (run,) = (which for rule, which in jobs(plan) if rule == "finetune")
    run.split = "1-3"
    assert work_of(plan, [("finetune", run)]).trained == {"resnet50": 3 * 100 * 10}


@pytest.mark.parametrize("rule", ["features", "features_on_split"])
def test_features_are_crops_to_score(rule: str, plan: Plan) -> None:
    (run,) = (which for rule, which in jobs(plan) if rule == "predict")
    assert work_of(plan, [(rule, run)]).scored == {"resnet50": 5 * 4}


def test_crops_that_are_rehearsed_are_trained_on_too(plan: Plan, config: dict[str, Any]) -> None:
    before = work_of(plan, jobs(plan)).trained["resnet50"]
    config["finetuning"]["rehearsal"] = {"corpus": "synthetic", "pairs": 3}
    steps = -(-4 * 100 // 32) * 10
    assert work_of(plan_of(config), jobs(plan)).trained["resnet50"] == before + 6 * steps


def test_a_head_that_is_trained_first_needs_the_crops_of_its_images_and_of_some_rehearsed_ones(
    plan: Plan, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = (which for rule, which in jobs(plan) if rule == "finetune")
    config["finetuning"]["head_first"]["epochs"] = 3
    grids = 6 * 4
    assert work_of(plan_of(config), [("finetune", run)]).scored == {"resnet50": grids}
    config["finetuning"]["rehearsal"] = {"corpus": "synthetic", "pairs": 3}
    assert work_of(plan_of(config), [("finetune", run)]).scored == {"resnet50": grids + 10 * 39}
    monkeypatch.setattr(module, "MOST_REHEARSED", 4)
    assert work_of(plan_of(config), [("finetune", run)]).scored == {"resnet50": grids + 4 * 39}


def test_temporary_images_take_no_disk(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    before = work_of(plan, jobs(plan))
    monkeypatch.setattr(type(plan.corpora), "keeps_images", False)
    after = work_of(plan, jobs(plan))
    assert after.disk == pytest.approx(before.disk - 50 * 60_000 * module._BYTES_OF_A_PIXEL)
    assert after.images == before.images


def test_the_rate_is_measured_where_there_was_a_training(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_gpu", lambda: False)
    monkeypatch.setattr(module, "available_threads", lambda: 2)
    assumed = estimate(plan, jobs(plan))
    assert "15,700 crops to train on and 60 to score: about 15 min" in assumed
    assert "assumed, not measured: 18 crops a second" in assumed
    epochs = pd.DataFrame({"epoch": [1, 2], "images_per_second": [2.0, 4.0]}).reindex(columns=HISTORY.columns)
    epochs = epochs.fillna(dict.fromkeys(["loss", "seconds"], 1.0)).astype({"epoch": np.int32})
    file = tmp_path / "results/finetuning/mine/1/resnet50/imagenet/history.parquet"
    write_table(file, HISTORY, epochs, stage="finetuning", cfg={})
    assert measured_rate(tmp_path / "results", "resnet50") == 3.0
    assert measured_rate(tmp_path / "results", "resnet18") is None
    measured = estimate(plan, jobs(plan))
    assert "about 87 min on this machine (measured in earlier trainings here: 3 crops a second)" in measured


def test_a_frozen_backbone_costs_a_forward_pass(
    config: dict[str, Any], plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = work_of(plan, jobs(plan))
    config["pretraining"]["frozen_stages"] = "all"
    after = work_of(plan_of(config), jobs(plan))
    finetuned = after.trained["resnet50"]
    assert after.frozen["resnet50"] == before.trained["resnet50"] - finetuned > 0
    file = tmp_path / "results/pretraining/mine/resnet50/cls/history.parquet"
    epochs = pd.DataFrame({"epoch": [1], "images_per_second": [9.0]}).reindex(columns=HISTORY.columns)
    epochs = epochs.fillna(dict.fromkeys(["loss", "seconds"], 1.0)).astype({"epoch": np.int32})
    write_table(file, HISTORY, epochs, stage="pretraining", cfg={})
    assert measured_rate(tmp_path / "results", "resnet50") == 9.0
    file.with_name("card.json").write_text('{"frozen_stages": "all"}')
    assert measured_rate(tmp_path / "results", "resnet50") is None


def test_little_work_needs_no_estimate(plan: Plan) -> None:
    assert estimate(plan, [job for job in jobs(plan) if job[0] in ("fuse", "predict")]) == ""
