"""The words of a training: its log, its bar, and TensorBoard's events."""

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mosforge.core.errors import MosforgeError
from mosforge.training.progress import Progress
from mosforge.training.setup import Setup


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
    setup = Setup(events=tmp_path / "events")
    with pytest.raises((MosforgeError, KeyboardInterrupt)):
        toy.train(
            tmp_path, setup=setup, at_step={"stop": toy.stop_at, "crash": crash_at}[how](call), patches=12
        )
    time.sleep(1.1)  # the files of events are ordered by the second in their names
    _, history = toy.train(tmp_path, setup=setup, patches=12)
    found = scalars(tmp_path / "events")
    assert [step for step, _ in found["epoch/loss"]] == [15, 30, 45]
    np.testing.assert_allclose([value for _, value in found["epoch/loss"]], history["loss"], rtol=1e-6)
    assert [step for step, _ in found["step/loss"]] == [20, 40]


def test_events_of_another_training_are_removed(toy: ModuleType, tmp_path: Path) -> None:
    setup = Setup(events=tmp_path / "events")
    toy.train(tmp_path, setup=setup, epochs=2)
    (tmp_path / ".state-x.pt").unlink()
    toy.train(tmp_path, setup=setup)
    assert [step for step, _ in scalars(tmp_path / "events")["epoch/loss"]] == [3, 6, 9]


def test_each_epoch_is_reported(toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        toy.train(tmp_path, validate=lambda: 0.25)
    lines = [line for line in caplog.messages if line.startswith("epoch")]
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all("images/s  validation SROCC 0.250" in line for line in lines)


def test_the_log_of_a_training_that_goes_on_has_all_epochs(
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
    logged = [f"loss {loss:.4f}" for loss in history["loss"]]
    assert [line[1] for line in lines if len(line) > 1] == logged
    assert all(line[-1] == "validation SROCC 0.250" for line in lines if len(line) > 1)


@pytest.mark.parametrize("beside", [0, 5])
@pytest.mark.parametrize(("done", "samples"), [(0, 0), (2, 16), (3, 20), (4, 28), (9, 60)])
def test_the_bar_goes_on_at_the_crops_that_are_done(
    toy: ModuleType, done: int, samples: int, beside: int
) -> None:
    """Batches of 8, 8 and 4, and perhaps 5 crops beside each."""
    with Progress(toy.settings(), toy.STEPS, 20, beside, done, events=None, silent=True) as progress:
        crops = samples + done * beside
        assert (progress._bar.n, progress._bar.total) == (crops, 60 + 9 * beside)


def test_a_training_that_is_through_goes_on_from_nowhere(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.train(tmp_path)
    caplog.clear()
    with caplog.at_level("INFO"):
        toy.train(tmp_path)
    assert caplog.messages[-1].startswith("done before: epoch 3/3")
