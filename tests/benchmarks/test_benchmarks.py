"""The benchmarks themselves are too long for a test; their command lines and one small case are not."""

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


@pytest.mark.slow
def test_a_small_case_of_the_trainings_is_measured(tmp_path: Path) -> None:
    bench = runpy.run_path(str(Path(__file__).with_name("bench_training.py")))
    case = bench["Case"]("finetuning", "resnet18", 4, images=4, height=64, width=64, patches=1)
    bench["rate"].__globals__["CROP"] = 32
    device, setup = bench["torch"].device("cpu"), bench["Setup"]()
    network, pack = case.network(), bench["packed"](case, tmp_path)
    ours, memory = bench["end_to_end"](case, network, pack, setup, device, epochs=2)
    assert min(ours, memory, bench["rate"](case, bench["resident"](case, network, device), device, 1)) > 0
