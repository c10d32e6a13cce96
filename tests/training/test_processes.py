"""Several processes: the samples of one, and its weights up to the order of sums."""

import argparse
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
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import api

from mosforge.core.errors import MosforgeError
from mosforge.training.launch import launch, processes_to_start, train_in_processes
from mosforge.training.processes import ALONE, Gathering, Processes, normalise_together

CPU = torch.device("cpu")
OPTIONS = ("shared=true", "weight_average=0.9", "gradient_clip=0.05", "batch_size=9")
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


def test_alone_there_is_nothing_to_wait_for() -> None:
    ALONE.wait()
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert isinstance(ALONE.error("x"), MosforgeError)
    assert isinstance(Processes(1, 2).error("x"), SystemExit)


@pytest.mark.parametrize(("operation", "ask"), [("barrier", "wait"), ("all_reduce", "any")])
def test_where_another_process_is_gone_the_first_alone_says_so(
    monkeypatch: pytest.MonkeyPatch, operation: str, ask: str
) -> None:
    def gone(*_: object) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(torch.distributed, operation, gone)
    for rank, error in ((0, MosforgeError), (1, SystemExit)):
        processes = Processes(rank, 2)
        with pytest.raises(error, match="another process of this training has ended" if rank == 0 else "1"):
            processes.wait() if ask == "wait" else processes.any(False)


def test_a_process_that_was_killed_is_told_by_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        failures = {1: ProcessFailure(1, 123, -9, "none"), 0: ProcessFailure(0, 122, 1, "none")}
        failures[0].timestamp = failures[1].timestamp + 1
        raise ChildFailedError("mosforge", failures)

    monkeypatch.setattr(api, "elastic_launch", lambda *_: killed)
    with pytest.raises(MosforgeError, match=r"process 1 of the training was killed \(SIGKILL\); run again"):
        launch(2, [])


def test_batch_normalisation_is_not_shared_silently_on_the_cpu(toy: ModuleType) -> None:
    with pytest.raises(MosforgeError, match="several processes on the CPU cannot share"):
        normalise_together(toy.Toy(), Processes(0, 2), CPU)
    normalise_together(toy.Toy(), ALONE, CPU)
    normalise_together(toy.SharedToy(), Processes(0, 2), CPU)


def test_batch_normalisation_is_shared_on_gpus(toy: ModuleType) -> None:
    network = toy.Toy()
    before = network.state_dict()
    normalise_together(network, Processes(0, 2), torch.device("cuda", 0))
    assert isinstance(network.normalisation, nn.SyncBatchNorm)
    assert network.state_dict().keys() == before.keys()


def test_a_head_that_is_not_training_gets_its_own_features(toy: ModuleType) -> None:
    """A validation runs in the first process alone: it must not wait for the others."""
    network = toy.SharedToy().eval()
    Gathering(network, Processes(0, 2)).shares = (2, 2)
    assert network(torch.zeros((2, 8, 8, 3), dtype=torch.uint8)).shape == (2,)


def test_a_process_leaves_for_a_loss_that_is_not_finite_with_the_others_alone(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On GPUs it may read the loss some steps before the first one, who is to tell of it."""
    said: list[bool] = []

    class Asking(Processes):
        def any(self, here: bool) -> bool:
            said.append(here)
            return here

    monkeypatch.setattr("mosforge.training.processes.ALONE", Asking())
    network = toy.Toy()
    with pytest.raises(MosforgeError, match="the loss is not finite in epoch 1, step 2"):
        toy.train(
            tmp_path, network, at_step=lambda step: step == 1 and network.head.bias.data.fill_(math.nan)
        )
    assert said == [False, True]


def test_what_a_process_says_is_not_lost_where_it_is_asked_to_end_because_another_has(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line would make an interruption of the SIGTERM that comes while the processes part."""

    @contextlib.contextmanager
    def parting(device: torch.device) -> Iterator[Processes]:
        try:
            yield ALONE
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mosforge.training.loop.together", parting)
    network = toy.Toy()
    network.head.bias.data.fill_(math.nan)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(MosforgeError, match="the loss is not finite"):
            toy.train(tmp_path, network)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_one_gpu_or_none_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [processes_to_start(gpus, "auto") for gpus in (0, 1, 2, 8)] == [0, 0, 2, 4]
    assert processes_to_start(4, "cpu") == 0
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert processes_to_start(4, "auto") == 0


@pytest.mark.parametrize(("gpus", "status"), [(1, None), (2, 7)])
def test_a_training_runs_here_or_as_the_same_command_line_in_several_processes(
    monkeypatch: pytest.MonkeyPatch, gpus: int, status: int | None
) -> None:
    did: list[object] = []

    def launched(processes: int, words: list[str]) -> int:
        did.append((processes, words))
        return 7

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("mosforge.training.launch.launch", launched)
    monkeypatch.setattr("mosforge.training.launch.set_up", lambda arguments: arguments.device)
    monkeypatch.setattr(sys, "argv", ["mosforge", "a", "b"])
    arguments = argparse.Namespace(gpus=gpus, device="auto")
    assert train_in_processes(arguments, lambda setup: did.append(setup)) == status
    assert did == ["auto" if gpus == 1 else (2, ["a", "b"])]


def torchrun(toy: ModuleType, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, str(toy.__file__), str(folder), *OPTIONS, *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def alone(toy: ModuleType, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(toy.__file__), str(folder), *OPTIONS, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def one(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a single process makes of the shared toy."""
    folder = tmp_path_factory.mktemp("one")
    assert alone(toy, folder).returncode == 0
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
    """Batches of 9, 9 and 2, of which the last is too small to share; dropout, and a branch left out."""
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
    """Both processes stop at the same step though each asks itself; one alone does the rest."""
    stopped = torchrun(toy, beside(one, tmp_path), "5", "SIGTERM")
    assert stopped.returncode == 1
    assert stopped.stderr.count("stopped in epoch 2 as asked; run again to go on") == 1
    assert not (tmp_path / "weights.safetensors").exists()
    assert alone(toy, tmp_path).returncode == 0
    assert_close(one, tmp_path)


@pytest.mark.slow
def test_the_launcher_starts_processes_that_find_each_other(tmp_path: Path) -> None:
    """`mosforge` itself in two processes: both fail, and the status says so."""
    words = ["pretraining", "verify", str(tmp_path / "none.parquet")]
    code = f"from mosforge.training.launch import launch; raise SystemExit(launch(2, {words!r}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "none.parquet: no such file; run the stage that writes it" in result.stderr
    assert "Traceback" not in result.stderr
