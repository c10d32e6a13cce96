"""The verbs that write tables and print summaries."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mosforge.cli import main
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table
from mosforge.report.notes import PROXY


def test_the_table_verb_writes_its_files(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, markdown = tmp_path / "t/table1.csv", tmp_path / "t/table1.md"
    gains, splits = tmp_path / "t/table1.gains.csv", tmp_path / "t/table1.splits.csv"
    words = ["table", "--experiment", "table1", "--output", str(output), "--markdown", str(markdown)]
    words += ["--correlations", str(results / "evaluation/table1.parquet")]
    words += ["--gains", str(gains), "--splits", str(splits)]
    assert main(["report", *words, "--cfg", '{"proxies": ["own"], "left_out": ["live: not there"]}']) == 0
    assert "Proposed" in output.read_text(encoding="utf-8")
    assert gains.read_text(encoding="utf-8").count("CLS+REG,FT,") == 2
    assert splits.read_text(encoding="utf-8").count("\n") == 16
    assert "- live: not there" in markdown.read_text(encoding="utf-8")
    assert main(["report", *words, "--cfg", '{"proxy": []}']) == 1
    assert "proxies" in capsys.readouterr().err


def test_the_gains_of_a_single_split_are_told_of_its_predictions(results: Path, tmp_path: Path) -> None:
    words = [
        "report",
        "table",
        "--experiment",
        "ablation",
        "--output",
        str(tmp_path / "a.csv"),
        "--cfg",
        "{}",
    ]
    words += ["--correlations", str(results / "evaluation/ablation.parquet")]
    files = sorted(str(file) for file in (results / "evaluation/tid2013/1").rglob("*.parquet"))
    over = []
    for given in ([], files):
        gains = tmp_path / "gains.csv"
        assert main([*words, "--gains", str(gains), "--predictions", *given]) == 0
        with gains.open(encoding="utf-8") as file:
            (line,) = csv.DictReader(file)
        over.append((line["interval_over"], line["low"] != ""))
    assert over == [("", False), ("test images", True)]


def test_the_summary_verb_prints_medians(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "evaluation/table1.parquet"
    assert main(["report", "summary", str(path), "--format", "json", "--proxy", "own"]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    rows = read_table(path, CORRELATIONS)
    for line in lines:
        same = rows[(rows["dataset"] == line["dataset"]) & (rows["initialisation"] == line["initialisation"])]
        assert line["srocc"] == pytest.approx(np.median(same["srocc"]), abs=1e-6)
    assert len(lines) == 5
    assert PROXY in printed.err
    assert main(["report", "summary", str(path)]) == 0
    printed = capsys.readouterr()
    assert "test dataset" not in printed.out
    assert PROXY not in printed.err
