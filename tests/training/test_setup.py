"""Where and how fast a training runs."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mosforge.training.setup import Setup

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


def test_the_defaults() -> None:
    assert Setup(device="cpu").prepare() == Setup(gpus=0).prepare() == CPU
    assert torch.get_num_threads() == 1
    assert torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()
    assert CUBLAS not in os.environ


def test_at_most_no_gpu_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert Setup().prepare() == Setup(device="cuda", gpus=0).prepare()
    assert Setup().prepare().type == "cuda"
    assert Setup(gpus=0).prepare() == CPU


def test_threads_and_determinism_change_no_weight_on_the_cpu(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[dict[str, torch.Tensor], list[float]]
) -> None:
    assert Setup(device="cpu", deterministic=True, threads=2).prepare() == CPU
    assert torch.get_num_threads() == 2
    assert not torch.backends.cudnn.benchmark
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ[CUBLAS] == ":4096:8"
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])
