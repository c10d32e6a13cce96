"""The command `mosforge report summary`."""

import json
from pathlib import Path

import numpy as np
import pytest

from mosforge.cli import main
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table
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
