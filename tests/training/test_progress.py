"""What a training says while it runs: its log, TensorBoard's events, and the pictures of a bad loss."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mosforge.core.errors import MosforgeError
from mosforge.training.batches import batches
from mosforge.training.progress import Progress
from mosforge.training.recipe import Recipe
from mosforge.training.setup import Setup
from mosforge.training.watch import LossWatch

Weights = dict[str, torch.Tensor]


def test_rates_too_small_to_move_a_layer_are_told_first(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        toy.train(tmp_path, learning_rates={"backbone": 1e-2, "head": 1e-9})
    timid = [i for i, line in enumerate(caplog.messages) if "the learning rate of 'head' is timid" in line]
    assert timid == [0]
    assert caplog.messages[1].startswith("epoch 1/3")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def crash_at(call: int) -> Callable[[int], None]:
    """For `train`: a step that ends the training with no time to save, as a kill does."""

    def crash(step: int) -> None:
        if step == call:
            raise KeyboardInterrupt

    return crash


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "crash"])
@pytest.mark.parametrize("call", [5, 20])
def test_events_of_a_training_that_goes_on_are_those_of_an_undisturbed_one(
    toy: ModuleType, tmp_path: Path, how: str, call: int
) -> None:
    """Fifteen steps an epoch: it stops in the first, or at the very step that writes an event."""
    setup = Setup(torch.device("cpu"), events=tmp_path / "events")
    with pytest.raises((MosforgeError, KeyboardInterrupt)):
        toy.train(
            tmp_path, setup=setup, at_step={"stop": toy.stop_at, "crash": crash_at}[how](call), repeats=12
        )
    time.sleep(1.1)  # the files of events are ordered by the second in their names
    _, history = toy.train(tmp_path, setup=setup, repeats=12)
    found = scalars(tmp_path / "events")
    assert [step for step, _ in found["epoch/loss"]] == [15, 30, 45]
    np.testing.assert_allclose([value for _, value in found["epoch/loss"]], history["loss"], rtol=1e-6)
    assert [step for step, _ in found["step/loss"]] == [20, 40]


def test_events_of_another_training_are_removed(toy: ModuleType, tmp_path: Path) -> None:
    setup = Setup(torch.device("cpu"), events=tmp_path / "events")
    toy.train(tmp_path, setup=setup, epochs=2)
    (tmp_path / ".state-x.pt").unlink()
    toy.train(tmp_path, setup=setup)
    assert [step for step, _ in scalars(tmp_path / "events")["epoch/loss"]] == [3, 6, 9]


def test_each_epoch_is_told(toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        toy.train(tmp_path, validate=lambda: 0.25)
    lines = [line for line in caplog.messages if line.startswith("epoch")]
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all("images/s  validation SROCC 0.250" in line for line in lines)


def test_the_log_of_a_training_that_goes_on_tells_of_all_epochs(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(MosforgeError, match="stopped"):
        toy.train(tmp_path, at_step=toy.stop_at(8), validate=lambda: 0.25)
    caplog.clear()
    with caplog.at_level("INFO"):
        _, history = toy.train(tmp_path, validate=lambda: 0.25)
    lines = [line.split("  ") for line in caplog.messages if "epoch" in line]
    assert [line[0] for line in lines] == [
        "done before: epoch 1/3",
        "done before: epoch 2/3",
        "going on from epoch 3, step 3",
        "epoch 3/3",
    ]
    told = [f"loss {loss:.4f}" for loss in history["loss"]]
    assert [line[1] for line in lines if len(line) > 1] == told
    assert all(line[-1] == "validation SROCC 0.250" for line in lines if len(line) > 1)


@pytest.mark.parametrize(("done", "samples"), [(0, 0), (2, 16), (3, 20), (4, 28), (9, 60)])
def test_the_bar_goes_on_at_the_samples_that_are_done(toy: ModuleType, done: int, samples: int) -> None:
    """Batches of 8, 8 and 4."""
    with Progress(Recipe(**toy.RECIPE), toy.STEPS, 20, done, events=None, silent=True) as progress:
        assert (progress._bar.n, progress._bar.total) == (samples, 60)


def test_a_training_that_is_through_goes_on_from_nowhere(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.train(tmp_path)
    caplog.clear()
    with caplog.at_level("INFO"):
        toy.train(tmp_path)
    assert caplog.messages[-1].startswith("done before: epoch 3/3")


def test_losses_of_a_gpu_are_read_late_and_in_order() -> None:
    """The host waits for a step only when it is far behind, and then for the oldest alone."""

    class Device:
        done = 0

        def event(self, number: int) -> Any:
            def wait() -> None:
                self.done = max(self.done, number)

            return SimpleNamespace(query=lambda: self.done >= number, synchronize=wait)

    device, watch, read = Device(), LossWatch(), []
    for step in range(40):
        watch.add(step, np.array([step]), {"loss": torch.tensor(float(step))})
        watch._waiting[-1] = (*watch._waiting[-1][:4], device.event(step + 1))
        read += [reading.step for reading in watch.read()]
        assert read == list(range(max(0, step + 1 - 16)))
    device.done = 30
    assert [reading.losses["loss"] for reading in watch.read()] == list(range(24, 30))
    assert [reading.step for reading in watch.read(rest=True)] == list(range(30, 40))


def test_a_loss_that_is_not_finite_names_the_pictures(toy: ModuleType, tmp_path: Path) -> None:
    network = toy.Toy()

    def spoil(step: int) -> None:
        if step == 5:
            with torch.no_grad():
                network.head.bias.fill_(math.inf)

    with pytest.raises(MosforgeError, match="the loss is not finite in epoch 2, step 3") as caught:
        toy.train(tmp_path, network, at_step=spoil)
    pack, _ = toy.make_pack(tmp_path)
    positions = list(batches(pack, np.arange(10), Recipe(**toy.RECIPE), 1))[2].samples
    for i in range(10):
        assert (f"picture {i}" in str(caught.value)) == (i in positions)
    assert "lower the learning rates" in str(caught.value)


@pytest.mark.parametrize(("call", "place"), [(6, "epoch 2, step 3"), (9, "epoch 3, step 3")])
def test_weights_that_the_last_step_of_an_epoch_spoils_are_not_kept(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]], call: int, place: str
) -> None:
    """Its loss is finite, and at the very end no other loss follows that would tell."""
    network = toy.Toy()

    def spoil(step: int) -> None:
        if step == call:
            network.head.weight.register_hook(lambda gradient: gradient * math.nan)

    with pytest.raises(MosforgeError, match=f"the weights are not finite after {place}; lower the learning"):
        toy.train(tmp_path, network, at_step=spoil)
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])


def test_after_a_loss_that_is_not_finite_the_last_epoch_stands(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]]
) -> None:
    network = toy.Toy()
    with pytest.raises(MosforgeError, match="not finite"):
        toy.train(
            tmp_path, network, at_step=lambda step: step == 5 and network.head.bias.data.fill_(math.nan)
        )
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])


def test_many_pictures_are_listed_in_the_log_alone(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = toy.Toy()
    network.head.bias.data.fill_(math.nan)
    with pytest.raises(MosforgeError, match="picture 7 and 2 more; lower"):
        toy.train(tmp_path, network, repeats=1, batch_size=10)
    first, *pictures = caplog.messages[-1].splitlines()
    assert first == "the pictures of epoch 1, step 1:"
    assert pictures == [f"picture {i}" for i in range(10)]
