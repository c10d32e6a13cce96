"""What a GPU can refuse ends in one sentence and status 1."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from small_training import ON_CUDA, Trained, images

from mosforge.cli import main
from mosforge.models.devices import explain_device_error

FAULTS = {
    "memory": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "memory of the GPU"),
    "no context": (RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE"), "memory of the GPU"),
    "in use": (
        RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable\nmore"),
        "in use by another program",
    ),
    "old driver": (RuntimeError("The NVIDIA driver on your system is too old"), "driver on your system"),
    "host memory": (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate"), "this machine"),
}


@pytest.fixture
def words(trained_on_the_cpu: Trained, tmp_path: Path) -> list[str]:
    """The command that scores an image."""
    Image.fromarray(images()[0][0]).save(tmp_path / "image.png")
    model = trained_on_the_cpu.save(tmp_path / "model")
    return ["score", str(tmp_path / "image.png"), "--model", str(model)]


@pytest.mark.parametrize("fault", FAULTS)
def test_it_ends_in_a_sentence(
    fault: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error, fact = FAULTS[fault]

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("mosforge.scoring.scorer.run_network", fail)
    assert main([*words, "--device", "cpu"]) == 1
    printed = capsys.readouterr().err
    assert fact in printed
    assert "Traceback" not in printed


def test_other_errors_are_no_device_s() -> None:
    assert explain_device_error(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert explain_device_error(KeyError("device")) is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_no_gpu_ends_in_a_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--device", "cuda"]) == 1
    assert "torch finds no GPU" in capsys.readouterr().err


@ON_CUDA
def test_a_gpu_without_memory_ends_in_a_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As if others held the rest: this process may take a few MiB."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        assert main([*words, "--device", "cuda"]) == 1
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "memory of the GPU" in capsys.readouterr().err
