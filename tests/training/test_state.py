"""Interrupted trainings: nothing of a stop, a kill or a damaged state shows in the weights."""

import multiprocessing
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mosforge.core.errors import MosforgeError
from mosforge.training.state import delete_states, locked

pytestmark = pytest.mark.slow  # trainings

Weights = dict[str, torch.Tensor]


@pytest.mark.parametrize("stops", [[1], [2], [3], [4], [5, 1], [8], [9], [1, 1, 1, 1], [3, 3]])
def test_a_training_that_is_asked_to_stop_goes_on_as_if_it_had_not(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]], stops: list[int]
) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    for call in stops:
        try:
            weights, history = toy.train(tmp_path, at_step=toy.stop_at(call))
        except MosforgeError as error:
            assert "stopped in epoch" in str(error)  # noqa: PT017
            assert (tmp_path / ".state-x.pt").exists()
        assert signal.getsignal(signal.SIGTERM) is handler
    weights, history = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])
    assert history["loss"].tolist() == undisturbed[1]
    assert history["epoch"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(("call", "batch_size", "epoch"), [(2, 8, 1), (3, 8, 2), (1, 100, 2)])
def test_a_stop_takes_no_further_step(
    toy: ModuleType, tmp_path: Path, call: int, batch_size: int, epoch: int
) -> None:
    """In an epoch, at its end, and where an epoch is a single step."""
    steps: list[int] = []

    def stop(step: int) -> None:
        steps.append(step)
        toy.stop_at(call)(step)

    with pytest.raises(MosforgeError, match=f"stopped in epoch {epoch} as asked; run again to go on"):
        toy.train(tmp_path, at_step=stop, batch_size=batch_size)
    assert steps == list(range(1, call + 1))


def test_the_best_epoch_survives_a_stop(toy: ModuleType, tmp_path: Path) -> None:
    scores = {1: 0.9, 2: 0.1, 3: 0.5}
    after: dict[int, Weights] = {}
    network = toy.Toy()

    def validate() -> float:
        epoch = len(after) + 1
        after[epoch] = {key: value.clone() for key, value in network.state_dict().items()}
        return scores[epoch]

    with pytest.raises(MosforgeError, match="stopped"):
        toy.train(tmp_path, network, at_step=toy.stop_at(5), validate=validate)
    network = toy.Toy()
    weights, _ = toy.train(tmp_path, network, validate=validate)
    toy.assert_same(weights, after[1])


def test_a_finished_training_is_not_done_again(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]]
) -> None:
    """Should saving the model fail (a full disk), the next run has only that to do."""
    toy.train(tmp_path)
    steps: list[int] = []
    weights, history = toy.train(tmp_path, at_step=steps.append)
    assert steps == []
    toy.assert_same(weights, undisturbed[0])
    assert len(history) == 3


def test_another_process_with_the_same_state_is_refused(toy: ModuleType, tmp_path: Path) -> None:
    with locked(tmp_path / ".state-x.pt"):
        with pytest.raises(MosforgeError, match=r"\.state-x\.lock: another process still runs this training"):
            toy.train(tmp_path)
        assert not (tmp_path / ".state-x.pt").exists()
    toy.train(tmp_path)
    assert not (tmp_path / ".state-x.lock").exists()


def test_states_of_other_settings_are_deleted_but_for_one_that_still_trains(tmp_path: Path) -> None:
    for name in (".state-a.pt", ".state-a.lock", ".state-b.lock", "..state-c.pt.tmp", ".state-d.pt", "x.pt"):
        (tmp_path / name).touch()
    with locked(tmp_path / ".state-d.pt"):
        delete_states(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [".state-d.lock", ".state-d.pt", "x.pt"]
    delete_states(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_state_is_reported(toy: ModuleType, tmp_path: Path, content: bytes | None) -> None:
    with pytest.raises(MosforgeError, match="stopped"):
        toy.train(tmp_path, at_step=toy.stop_at(1))
    state = tmp_path / ".state-x.pt"
    state.write_bytes(state.read_bytes()[:-500] if content is None else content)
    with pytest.raises(
        MosforgeError, match=r"\.state-x\.pt: the saved training is damaged \(.*\); delete it"
    ):
        toy.train(tmp_path)


def run_script(toy: ModuleType, folder: Path, *when: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(toy.__file__), str(folder), *when]
    return subprocess.run(command, capture_output=True, text=True, check=False)


SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["mosforge.core.packs", "mosforge.core.tables", "mosforge.training.loop", "safetensors.torch"]
)


def start(toy: ModuleType, folder: Path, *words: str) -> Any:
    """Begins the script in a process of its own.

    It is forked from a server that has imported PyTorch and done nothing else: the fork of a process that
    other tests have trained in may be refused to train by PyTorch.
    """
    options = {"init_globals": {"WORDS": [str(folder), *words]}, "run_name": "__main__"}
    process = SERVER.Process(target=runpy.run_path, args=(str(toy.__file__),), kwargs=options)
    process.start()
    return process


@pytest.mark.parametrize("call", [2, 4, 9])
def test_a_training_that_is_killed_outright_goes_on_as_if_it_had_not(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]], call: int
) -> None:
    """SIGKILL leaves no time to save: the epoch that ran is run again."""
    process = start(toy, tmp_path, str(call), "SIGKILL")
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (tmp_path / ".state-x.pt").exists() == (call > toy.STEPS)
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])


def test_a_training_that_is_killed_at_three_random_moments_ends_with_the_same_weights(
    toy: ModuleType, tmp_path: Path
) -> None:
    """Moments on the clock: between two steps, in the middle of one, or while the state is saved.

    Each process stops by itself after a third of the steps, and so is there to be killed on any machine.
    """
    for name in ("undisturbed", "killed"):
        (tmp_path / name).mkdir()
    started = time.monotonic()
    expected, history = toy.train(tmp_path / "undisturbed", validate=lambda: 0.5, epochs=12)
    took = time.monotonic() - started
    words = ["validated=true", "epochs=12", str(12 * toy.STEPS // 3), "SIGSTOP"]
    began = tmp_path / "killed" / "began"
    for moment in np.random.default_rng().uniform(0, 0.4, 3) * took:
        began.unlink(missing_ok=True)
        process = start(toy, tmp_path / "killed", *words)
        while process.is_alive() and not began.exists():
            time.sleep(0.001)
        process.join(timeout=float(moment))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    weights, again = toy.train(tmp_path / "killed", validate=lambda: 0.5, epochs=12)
    toy.assert_same(weights, expected)
    assert again["loss"].tolist() == history["loss"].tolist()


def test_a_process_that_is_asked_to_stop_exits_and_goes_on(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]]
) -> None:
    stopped = run_script(toy, tmp_path, "5", "SIGTERM")
    assert stopped.returncode == 1
    assert stopped.stderr.splitlines()[-1] == "stopped in epoch 2 as asked; run again to go on"
    assert run_script(toy, tmp_path).returncode == 0
    toy.assert_same(load_file(tmp_path / "weights.safetensors"), undisturbed[0])
