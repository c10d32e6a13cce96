"""Several GPUs: the command line is started once more for each of them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import api

from mosforge.core.errors import MosforgeError
from mosforge.training.setup import Setup, count_processes, launch, launch_if_several


def test_the_launcher_reports_a_process_that_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        failures = {1: ProcessFailure(1, 123, -9, "none"), 0: ProcessFailure(0, 122, 1, "none")}
        failures[0].timestamp = failures[1].timestamp + 1
        raise ChildFailedError("mosforge", failures)

    monkeypatch.setattr(api, "elastic_launch", lambda *_: killed)
    with pytest.raises(MosforgeError, match=r"process 1 of the training was killed \(SIGKILL\)"):
        launch(2, [])


def test_one_gpu_or_none_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [count_processes(Setup(gpus=gpus)) for gpus in (0, 1, 2, 8)] == [0, 0, 2, 4]
    assert count_processes(Setup(gpus=4, device="cpu")) == 0
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert count_processes(Setup(gpus=4)) == 0


@pytest.mark.parametrize(("gpus", "status"), [(1, None), (2, 7)])
def test_a_training_runs_here_or_as_the_same_command_line_in_several_processes(
    monkeypatch: pytest.MonkeyPatch, gpus: int, status: int | None
) -> None:
    launched: list[object] = []

    def record(processes: int, words: list[str]) -> int:
        launched.append((processes, words))
        return 7

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("mosforge.training.setup.launch", record)
    monkeypatch.setattr("sys.argv", ["mosforge", "a", "b"])
    assert launch_if_several(Setup(gpus=gpus)) == status
    assert launched == ([] if gpus == 1 else [(2, ["a", "b"])])


@pytest.mark.slow
def test_the_launcher_starts_processes_that_find_each_other(tmp_path: Path) -> None:
    """`mosforge` itself in two processes: both fail, and so does the status."""
    words = ["pretraining", "verify", str(tmp_path / "none.parquet")]
    code = f"from mosforge.training.setup import launch; raise SystemExit(launch(2, {words!r}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "none.parquet: no such file" in result.stderr
    assert "Traceback" not in result.stderr
