"""The end of a run: where what it made lies."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mosforge.plan.made import correlations_in, explain_made


def job(rule: str, **outputs: str) -> Any:
    inputs = SimpleNamespace(correlations="results/evaluation/mine.parquet")
    return SimpleNamespace(rule=SimpleNamespace(name=rule), input=inputs, output=SimpleNamespace(**outputs))


def test_tables_page_and_models_are_named_with_paths_that_work_anywhere() -> None:
    jobs = [
        job("fuse", labels="results/pmos/synthetic.parquet"),
        job("table", csv="results/report/tables/mine.csv"),
        job("page", page="results/report/index.html"),
        *(job("finetune", model=f"results/finetuning/r/{i}/b/imagenet/model.safetensors") for i in (2, 1)),
    ]
    text = explain_made(jobs, Path("/runs/mine"))
    assert "/runs/mine/results/report/tables/mine.csv" in text
    assert "/runs/mine/results/report/index.html" in text
    assert "model.safetensors: 2;" in text
    assert "mosforge score IMAGE --model /runs/mine/results/finetuning/r/1/b/imagenet\n" in text + "\n"
    assert "--model '/runs/my own/results/" in explain_made(jobs, Path("/runs/my own")), "to be pasted"
    assert correlations_in(jobs) == ["results/evaluation/mine.parquet"]
    assert explain_made(jobs[:1], Path("/runs/mine")) == ""
