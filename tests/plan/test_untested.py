"""Splits that cannot be tested are left out before anything is trained."""

from pathlib import Path
from typing import Any

import pytest
from plans import plan_of

from mosforge.core.errors import MosforgeError
from mosforge.plan.untested import rated, untested


def columns(count: int, **more: list[str]) -> dict[str, list[str]]:
    return {"image": [f"{i}.png" for i in range(count)], **more}


def test_an_official_test_part_of_one_image_is_too_small() -> None:
    parts = ["train", "train", "test"]
    (reason,) = untested(columns(3, split=parts), ["official"], 0.8).values()
    assert "1 image," in reason
    assert untested(columns(4, split=[*parts, "test"]), ["official"], 0.8) == {}
    assert "0 images" in untested(columns(2, split=["train"] * 2), ["official"], 0.8)["official"]


def test_a_seeded_split_of_few_contents_is_counted() -> None:
    assert list(untested(columns(5), ["1", "2"], 0.8)) == ["1", "2"]  # one image of five
    assert untested(columns(10), ["1"], 0.8) == {}
    assert untested(columns(400), ["1"], 0.8) == {}
    pairs = [f"scene {i // 2}" for i in range(10)]
    assert untested(columns(10, reference=pairs), ["1"], 0.8) == {}  # one content of two images
    assert list(untested(columns(4, reference=["one"] * 4), ["1"], 0.8)) == ["1"]


def test_the_other_datasets_of_an_experiment_are_planned(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = {
        "layout": "table",
        "folder": ".",
        "range": [1, 5],
        "higher_is_better": True,
        "corpus": "synthetic",
    }
    for name, count in (("small", 3), ("large", 30)):
        rows = [f"{i}.png,{i % 5},{'test' if i >= 0.8 * count else 'train'}" for i in range(count)]
        Path(f"{name}.csv").write_text("\n".join(["image,mos,split", *rows]))
        config["finetuning"]["datasets"][name] = entry | {"table": f"{name}.csv", "splits": ["official"]}
    run = {"backbones": ["resnet50"], "initialisations": ["imagenet"]}
    for name, datasets in (("both", ["small", "large"]), ("one", ["small"])):
        config["evaluation"]["experiments"][name] = {"datasets": datasets, **run}
    plan = plan_of(config)
    assert [run.dataset for run in plan.experiments.runs("both")] == ["large"]
    assert any("split official of dataset small" in line for line in plan.table("both").left_out)
    with pytest.raises(MosforgeError, match="small is left out"):
        plan.check_experiment("one")


def test_the_ratings_that_a_split_can_train_on_are_counted() -> None:
    assert rated(columns(10), "1", 0.8) == 8
    assert rated(columns(10, reference=[f"scene {i // 5}" for i in range(10)]), "1", 0.8) == 5
    assert rated(columns(10), "full", 0.8) == 10
    parts = ["train"] * 5 + ["validation", "test", "test"]
    assert rated(columns(8, split=parts), "official", 0.8) == 6
    assert rated(columns(8), "official", 0.8) is None


def test_more_ratings_than_a_split_has_are_refused(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scale = {"range": [1, 5], "higher_is_better": True, "corpus": "synthetic"}
    Path("own.csv").write_text("\n".join(["image,mos", *(f"{i}.png,{i % 5}" for i in range(50))]))
    config["finetuning"]["datasets"]["own"] = {"layout": "table", "folder": ".", "table": "own.csv", **scale}
    run = {"datasets": ["own"], "backbones": ["resnet50"], "initialisations": ["imagenet"]}
    few = config["evaluation"]["experiments"]["few"] = {**run}
    for guard, most in ((True, 48), (False, 40)):  # pixels may say that other images are of one content
        config["sources"]["leakage"]["guard"] = guard
        few["ratings"] = [10, most, "all"]
        plan_of(config).experiments.check_ratings()
        few["ratings"] = [10, most + 1, "all"]
        sentence = rf"few\.ratings: {most + 1} ratings .* of own .* {most} at most"
        with pytest.raises(MosforgeError, match=sentence):
            plan_of(config).experiments.check_ratings()
