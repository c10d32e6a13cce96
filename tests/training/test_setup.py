"""Where and how fast a training runs, as the command line says it."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mosforge.options import add_fitting_options
from mosforge.training.setup import Setup, set_up

CPU = torch.device("cpu")
CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undoes what a setup changes in torch and in the environment."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.delenv(CUBLAS, raising=False)
    before = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = before
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def asked(*words: str) -> Setup:
    parser = argparse.ArgumentParser()
    add_fitting_options(parser)
    return set_up(parser.parse_args(["--device", "cpu", *words]))


def test_nothing_is_asked_for() -> None:
    assert asked() == asked("--gpus", "0") == Setup(CPU, compiled=False, events=None)
    assert torch.get_num_threads() == 1
    assert torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()
    assert CUBLAS not in os.environ


def test_at_most_no_gpu_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert asked("--device", "auto").device == asked("--device", "cuda", "--gpus", "0").device
    assert asked("--device", "auto").device.type == "cuda"
    assert asked("--device", "auto", "--gpus", "0").device == CPU


def test_all_is_asked_for(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[dict[str, torch.Tensor], list[float]]
) -> None:
    events = tmp_path / "events"
    setup = asked("--compile", "1", "--events", str(events), "--deterministic", "1", "--threads", "2")
    assert setup == Setup(CPU, compiled=True, events=events)
    assert torch.get_num_threads() == 2
    assert not torch.backends.cudnn.benchmark
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ[CUBLAS] == ":4096:8"
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])
