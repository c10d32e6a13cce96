"""A pretraining by several processes, with a network of ours."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mosforge.cli import main

PATIENCE = 300
"""Seconds that the training may take on a busy machine."""


def begin(rank: int, port: int, words: list[str]) -> subprocess.Popen[bytes]:
    """Begins one of two that torchrun would start."""
    env = os.environ | {"TORCHELASTIC_RUN_ID": "test", "RANK": str(rank), "WORLD_SIZE": "2"}
    env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return subprocess.Popen([sys.executable, "-m", "mosforge", *words], env=env)


@pytest.mark.slow
def test_two_processes_train_what_one_trains(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the CPU, so in a network without batch normalisation; the last of three batches is a small one."""
    weights = str(tmp_path / "w.safetensors")
    words = ["--backbone", "test_convnext", "--source", "none", "--output", weights]
    assert main(["pretraining", "fetch_weights", *words]) == 0
    words = ["pretraining", "pretrain", "--labels", str(corpus.labels), "--pack", str(corpus.pack)]
    cfg = json.dumps(corpus.cfg | {"backbone": "test_convnext", "batch_size": 11})
    words += ["--weights", weights, "--device", "cpu", "--cfg", cfg, "--output"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    two = [begin(rank, port, [*words, str(tmp_path / "two")]) for rank in (0, 1)]
    try:
        assert [one.wait(PATIENCE) for one in two] == [0, 0]
    finally:
        for one in two:
            one.kill()  # where the other failed, it would wait for it for half an hour
            one.wait()
    assert main([*words, str(tmp_path / "one")]) == 0
    state, expected = (load_file(tmp_path / name / "model.safetensors") for name in ("two", "one"))
    start = load_file(weights)
    assert any(not torch.equal(expected[f"backbone.{name}"], value) for name, value in start.items())
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, rtol=1e-4, atol=1e-5)
