"""The benchmarks themselves are too long for a test; what they import and their command lines are not."""

import os
import runpy
import sys
from pathlib import Path
from unittest import mock

import pytest


@pytest.mark.parametrize("script", sorted(Path(__file__).parent.glob("bench_*.py")), ids=lambda p: p.stem)
def test_a_benchmark_starts(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    with mock.patch.dict(os.environ), pytest.raises(SystemExit) as left:  # some set a number of threads
        runpy.run_path(str(script), run_name="__main__")
    assert left.value.code == 0
    assert f"usage: {script.name}" in capsys.readouterr().out
