"""Tables of the user's, as the plan sees them."""

from pathlib import Path
from typing import Any

import pytest
from plans import plan_of, table_of

from mosforge.finetuning.settings import PackDatasetSettings
from mosforge.plan import datasets as module


def test_planning_with_many_images_reads_none(rated: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> str:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr("mosforge.plan.watched.sha256_of_file", refuse)
    first = plan_of(rated).datasets.images("rated")
    assert plan_of(rated).datasets.images("rated") == first
    Path("rated/images/5.jpg").touch()
    with pytest.raises(AssertionError, match=r"rated/images/5\.jpg is read"):
        plan_of(rated).datasets.images("rated")


def test_a_table_is_read_once_and_what_is_missing_is_told_without_a_look_at_images(
    rated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("images are looked at")

    read, found = [], module._read
    monkeypatch.setattr(module, "_read", lambda table: read.append(table) or found(table))
    with monkeypatch.context() as context:
        context.setattr(module, "describe", refuse)
        rated["evaluation"]["experiments"]["table1"]["datasets"] = ["rated"]
        plan = plan_of(rated)
        assert "dataset rated is left out" not in (plan.explain_missing() or "")
        assert plan.warnings() == []
        assert plan.experiments.sizes(["table1"]) == {"rated": 200}
    assert plan.datasets.images("rated").files
    assert plan.table("table1").sizes == {"rated": 200}
    assert read == ["rated/labels.csv"]


def test_a_table_is_found_whatever_the_case_of_its_name(config: dict[str, Any], tmp_path: Path) -> None:
    entry = table_of(tmp_path / "mine", "image,mos\na.png,1\n")
    config["finetuning"]["datasets"]["mine"] = entry | {"table": "Scores.CSV"}
    datasets = plan_of(config).datasets
    assert datasets.files("mine") == [f"{tmp_path}/mine/scores.csv"]
    assert datasets.image_count("mine") == 1


@pytest.mark.parametrize("separator", [",", "\t"])
def test_scores_are_nothing_to_what_reads_a_dataset_for_its_images(
    config: dict[str, Any], tmp_path: Path, separator: str
) -> None:
    entry = {"layout": "table", "folder": str(tmp_path), "table": "t.csv", "range": [0, 9]}
    config["finetuning"]["datasets"]["mine"] = {**entry, "higher_is_better": True, "corpus": "synthetic"}

    def seen(*rows: tuple[str, ...]) -> PackDatasetSettings:
        lines = [separator.join(row) for row in [("image", "MOS", "reference"), *rows]]
        (tmp_path / "t.csv").write_bytes("\n".join(lines).encode("latin-1"))
        return plan_of(config).datasets.images("mine")

    first, second = ("a.png", "3", "x"), ("b.png", "4", "y")
    expected = seen(first, second)
    assert plan_of(config).datasets.image_count("mine") == 2
    assert seen(second, ("a.png", "3.5", "x")) == expected
    assert seen(first, second, ("c.png", "1", "z")) != expected
    assert seen(first, ("b.png", "4", "x")) != expected
    assert seen(first, ("caf\xe9.png", "4", "x")) != expected  # not UTF-8: the job says so, not the plan


def test_columns_that_say_nothing_of_images_are_nothing_to_what_reads_a_dataset_for_them(
    config: dict[str, Any], tmp_path: Path
) -> None:
    entry = {"layout": "table", "folder": str(tmp_path), "table": "t.csv", "range": [0, 9]}
    config["finetuning"]["datasets"]["mine"] = {**entry, "higher_is_better": True, "corpus": "synthetic"}

    def seen(*lines: str) -> PackDatasetSettings:
        (tmp_path / "t.csv").write_text("\n".join(lines))
        return plan_of(config).datasets.images("mine")

    expected = seen("image,mos,reference", "a.png,3,x", "b.png,4,y")
    assert seen("image,mos,reference,std,group", "a.png,3,x,.2,city", "b.png,4,y,.3,sea") == expected
    assert seen("reference,image,mos", "x,a.png,3", "y,b.png,4") == expected
    assert seen("image,mos,split", "a.png,3,x", "b.png,4,y") != expected  # another column of the same cells
    assert seen("image,mos,reference_image", "a.png,3,x", "b.png,4,y") != expected
    assert seen("image,mos,reference,split", "a.png,3,x,train", "b.png,4,y,test") != expected
