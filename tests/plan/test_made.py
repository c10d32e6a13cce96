"""The end of a run: where what it made lies."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mosforge.plan.made import correlations_in, explain_made


def job(rule: str, **outputs: str) -> Any:
    inputs = SimpleNamespace(correlations="results/evaluation/mine.parquet")
    model = Path(outputs.get("model", "."))
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule),
        input=inputs,
        output=SimpleNamespace(**outputs),
        wildcards=SimpleNamespace(initialisation=model.parent.name.removesuffix(".seed1")),
    )


def finetuned(path: str) -> Any:
    return job("finetune", model=f"results/finetuning/{path}/model.safetensors")


def test_tables_page_and_models_are_named_with_paths_that_work_anywhere() -> None:
    jobs = [
        job("fuse", labels="results/pmos/synthetic.parquet"),
        job("table", csv="results/report/tables/mine.csv"),
        job("page", page="results/report/index.html"),
        *(
            finetuned(f"r/{i}/b/{start}")
            for i in (2, 1)
            for start in ("imagenet", "own-cls", "own-multitask")
        ),
    ]
    text = explain_made(jobs, Path("/runs/mine"))
    assert "/runs/mine/results/report/tables/mine.csv" in text
    assert "/runs/mine/results/report/index.html" in text
    assert "model.safetensors: 6;" in text
    assert "mosforge score IMAGE --model /runs/mine/results/finetuning/r/1/b/own-multitask\n" in text + "\n"
    assert "--model '/runs/my own/results/" in explain_made(jobs, Path("/runs/my own")), "to be pasted"
    assert correlations_in(jobs) == ["results/evaluation/mine.parquet"]
    assert explain_made(jobs[:1], Path("/runs/mine")) == ""


def test_of_a_pretraining_alone_the_folder_is_named() -> None:
    jobs = [job("pretrain", model="results/pretraining/own/b/cls/model.safetensors")]
    assert "/runs/mine/results/pretraining/own/b/cls" in explain_made(jobs, Path("/runs/mine"))
    whole = explain_made([*jobs, finetuned("r/1/b/own-cls")], Path("/runs/mine"))
    assert "results/pretraining" not in whole


@pytest.mark.parametrize(
    ("starts", "named"), [(["imagenet", "own-cls"], "own-cls"), (["imagenet.seed1"], "imagenet.seed1")]
)
def test_a_pretrained_model_is_named_before_one_that_is_not(starts: list[str], named: str) -> None:
    text = explain_made([finetuned(f"r/1/b/{start}") for start in starts], Path("/runs/mine"))
    assert text.endswith(f"/r/1/b/{named}")
