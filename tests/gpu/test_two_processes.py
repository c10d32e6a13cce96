"""Two processes that share one GPU (by gloo, as NCCL wants a GPU for each) train as one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_training import ON_CUDA

SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.mark.parametrize(
    "device", [pytest.param("cpu", marks=pytest.mark.exhaustive), pytest.param("cuda", marks=ON_CUDA)]
)
def test_two_processes_have_the_losses_of_one(device: str, tmp_path: Path) -> None:
    """In float32, each loss within .01: only the order of sums differs, which 24 steps make larger."""
    losses = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        words = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        ended = subprocess.run(
            [sys.executable, *words, str(SCRIPT), str(folder), device],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        losses.append(json.loads((folder / "losses.json").read_text()))
    np.testing.assert_allclose(losses[1], losses[0], atol=0.01)
