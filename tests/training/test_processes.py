"""Several processes: the samples of one, and its weights up to the order of sums."""

import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from mosforge.core.errors import MosforgeError
from mosforge.training.processes import SINGLE, Gathering, Processes, share_batch_statistics

CPU = torch.device("cpu")
OPTIONS = ("shared=true", "batch_size=9", "beside=1")
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@given(samples=st.integers(1, 100), count=st.integers(1, 9))
def test_a_batch_is_dealt_out_whole_evenly_and_in_order(samples: int, count: int) -> None:
    processes = [Processes(rank, count) for rank in range(count)]
    slices = [process.share_of(samples) for process in processes]
    if processes[0].shares(samples):
        assert (slices[0].start, slices[-1].stop) == (0, samples)
        assert all(one.stop == other.start for one, other in pairwise(slices))
        sizes = [part.stop - part.start for part in slices]
        assert tuple(sizes) == processes[0].shares(samples)
        assert max(sizes) - min(sizes) <= 1
        assert min(sizes) >= 2  # batch statistics of a single sample are none
    else:
        assert count == 1 or samples < 2 * count
        assert all(np.arange(samples)[part].tolist() == list(range(samples)) for part in slices)


def test_a_single_process_waits_for_nothing() -> None:
    SINGLE.wait()
    assert SINGLE.any(True)
    assert not SINGLE.any(False)
    assert isinstance(SINGLE.error("x"), MosforgeError)
    assert isinstance(Processes(1, 2).error("x"), SystemExit)


@pytest.mark.parametrize(("operation", "method"), [("barrier", "wait"), ("all_reduce", "any")])
def test_where_another_process_is_gone_only_the_first_reports_it(
    monkeypatch: pytest.MonkeyPatch, operation: str, method: str
) -> None:
    def gone(*_: object) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(torch.distributed, operation, gone)
    for rank, error in ((0, MosforgeError), (1, SystemExit)):
        processes = Processes(rank, 2)
        with pytest.raises(error, match="another process of this training has ended" if rank == 0 else "1"):
            processes.wait() if method == "wait" else processes.any(False)


def test_batch_normalisation_is_not_shared_silently_on_the_cpu(toy: ModuleType) -> None:
    with pytest.raises(MosforgeError, match="several processes on the CPU cannot share"):
        share_batch_statistics(toy.Toy(), Processes(0, 2), CPU)
    share_batch_statistics(toy.Toy(), SINGLE, CPU)
    share_batch_statistics(toy.SharedToy(), Processes(0, 2), CPU)


def test_batch_normalisation_is_shared_on_gpus(toy: ModuleType) -> None:
    network = toy.Toy()
    before = network.state_dict()
    share_batch_statistics(network, Processes(0, 2), torch.device("cuda", 0))
    assert isinstance(network.normalisation, nn.SyncBatchNorm)
    assert network.state_dict().keys() == before.keys()


def test_a_head_that_is_not_training_gets_its_own_features(toy: ModuleType) -> None:
    """Only the first process validates: it must not wait for the others."""
    network = toy.SharedToy().eval()
    Gathering(network, Processes(0, 2)).shares = (2, 2)
    assert network(torch.zeros((2, 8, 8, 3), dtype=torch.uint8)).shape == (2,)


def test_a_process_leaves_only_with_the_others_for_a_loss_that_is_not_finite(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On GPUs it may read the loss some steps before the first process, which reports it."""
    flags: list[bool] = []

    class Recording(Processes):
        def any(self, here: bool) -> bool:
            flags.append(here)
            return here

    monkeypatch.setattr("mosforge.training.processes.SINGLE", Recording())
    network = toy.Toy()
    with pytest.raises(MosforgeError, match="the loss is not finite in epoch 1, step 2"):
        toy.train(
            tmp_path, network, at_step=lambda step: step == 1 and network.head.bias.data.fill_(math.nan)
        )
    assert flags == [False, True]


def test_the_message_of_a_process_survives_the_sigterm_that_follows_the_end_of_another(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line would turn the SIGTERM that comes while the processes part into an interruption."""

    @contextlib.contextmanager
    def parting(device: torch.device) -> Iterator[Processes]:
        try:
            yield SINGLE
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mosforge.training.loop.joined_processes", parting)
    network = toy.Toy()
    network.head.bias.data.fill_(math.nan)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(MosforgeError, match="the loss is not finite"):
            toy.train(tmp_path, network)
    finally:
        signal.signal(signal.SIGTERM, before)


def torchrun(toy: ModuleType, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, str(toy.__file__), str(folder), *OPTIONS, *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def run_single(toy: ModuleType, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(toy.__file__), str(folder), *OPTIONS, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def one(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the shared toy after a training in a single process."""
    folder = tmp_path_factory.mktemp("one")
    assert run_single(toy, folder).returncode == 0
    return folder


def beside(one: Path, folder: Path) -> Path:
    for path in one.glob("pack.*"):
        shutil.copy(path, folder)
    return folder


def assert_close(one: Path, other: Path) -> None:
    weights, expected = (load_file(folder / "weights.safetensors") for folder in (other, one))
    assert weights.keys() == expected.keys()
    for key, value in weights.items():
        torch.testing.assert_close(value, expected[key], **TOLERANCE)


@pytest.mark.slow
def test_two_processes_train_what_one_trains(toy: ModuleType, tmp_path: Path, one: Path) -> None:
    """Batches of 9, 9 and 2 with a crop beside each, of which the last is too small to share; dropout, and a
    branch left out."""
    result = torchrun(toy, beside(one, tmp_path))
    assert result.returncode == 0, result.stderr
    assert_close(one, tmp_path)
    start = toy.SharedToy().state_dict()
    moved = load_file(tmp_path / "weights.safetensors")
    assert all(key.startswith("left_out") or not torch.equal(moved[key], start[key]) for key in moved)


@pytest.mark.slow
def test_a_training_goes_on_with_another_number_of_processes(
    toy: ModuleType, tmp_path: Path, one: Path
) -> None:
    """Both processes stop at the same step though each is asked by itself; a single one does the rest."""
    stopped = torchrun(toy, beside(one, tmp_path), "5", "SIGTERM")
    assert stopped.returncode == 1
    assert stopped.stderr.count("stopped in epoch 2 as asked; run again to go on") == 1
    assert not (tmp_path / "weights.safetensors").exists()
    assert run_single(toy, tmp_path).returncode == 0
    assert_close(one, tmp_path)
