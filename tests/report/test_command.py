"""The command `mosforge report summary`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rows import measured

from mosforge.cli import main
from mosforge.core.runs import Run
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table, write_table
from mosforge.report.words import PROXY


def test_the_summary_prints_medians(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_each_number_of_ratings_has_medians_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sroccs = {"1-25": 0.3, "2-25": 0.4, "1-100": 0.6, "2-100": 0.7, "1": 0.8, "2": 0.9}
    rows = [measured(Run("own", split, "net", "imagenet", "own"), srocc) for split, srocc in sroccs.items()]
    file = tmp_path / "ratings.parquet"
    write_table(file, CORRELATIONS, pd.DataFrame(rows), stage="evaluation", cfg={})
    assert main(["report", "summary", str(file), "--format", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {line["ratings"]: (line["splits"], line["srocc"]) for line in lines}
    assert found == {"25": (2, 0.35), "100": (2, 0.65), "all": (2, 0.85)}
    assert main(["report", "summary", str(file)]) == 0
    assert "ratings" in capsys.readouterr().out
    nothing = pd.DataFrame(columns=CORRELATIONS.columns)
    write_table(file, CORRELATIONS, nothing, stage="evaluation", cfg={})
    assert main(["report", "summary", str(file)]) == 0
    assert "ratings" not in capsys.readouterr().out


def test_two_runs_of_one_model_are_not_taken_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the first would be printed."""
    files = [tmp_path / "one.parquet", tmp_path / "other.parquet"]
    for file, srocc in zip(files, (0.8, 0.7), strict=True):
        rows = [measured(Run("own", "1", "net", "imagenet", "own"), srocc)]
        write_table(file, CORRELATIONS, pd.DataFrame(rows), stage="evaluation", cfg={})
    assert main(["report", "summary", *map(str, files)]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert "other.parquet: other numbers of imagenet, split 1," in printed.err
    assert main(["report", "summary", str(files[0]), str(files[0])]) == 0, "experiments share models"
