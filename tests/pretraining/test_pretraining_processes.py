"""A pretraining by several processes, with a network of ours."""

import json
import multiprocessing
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mosforge.cli import main

PATIENCE = 300
"""Seconds that the training may take on a busy machine."""


def process(rank: int, port: int, words: list[str]) -> None:
    """One of two that torchrun would start."""
    os.environ |= {"TORCHELASTIC_RUN_ID": "test", "RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    sys.exit(main(words))


def test_two_processes_train_what_one_trains(
    corpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the CPU, so in a network without batch normalisation; the last of three batches is a small one."""
    weights = str(tmp_path / "w.safetensors")
    words = ["--backbone", "test_convnext", "--source", "none", "--output", weights]
    assert main(["pretraining", "weights", *words]) == 0
    words = ["pretraining", "train", "--labels", str(corpus.labels), "--pack", str(corpus.pack)]
    cfg = json.dumps(corpus.cfg | {"backbone": "test_convnext", "batch_size": 11})
    words += ["--weights", weights, "--device", "cpu", "--cfg", cfg, "--output"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fork = multiprocessing.get_context("fork")
    two = [fork.Process(target=process, args=(i, port, [*words, str(tmp_path / "two")])) for i in (0, 1)]
    for one in two:
        one.start()
    for one in two:
        one.join(PATIENCE)
        one.kill()  # where the other failed, it would wait for it for half an hour
    assert [one.exitcode for one in two] == [0, 0]
    assert main([*words, str(tmp_path / "one")]) == 0
    state, expected = (load_file(tmp_path / name / "model.safetensors") for name in ("two", "one"))
    start = load_file(weights)
    assert any(not torch.equal(expected[f"backbone.{name}"], value) for name, value in start.items())
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, rtol=1e-4, atol=1e-5)
