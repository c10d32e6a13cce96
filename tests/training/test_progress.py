"""The words of a training: timid rates, its log, its bar, and TensorBoard's events."""

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from mosforge.core.errors import MosforgeError
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.training.progress import Progress, timid_groups, warn_of_timid_rates
from mosforge.training.setup import Setup

PAPERS = {"classification": 1e-5, "score": 1e-6}


@pytest.fixture(scope="module")
def head() -> MultiTaskHead:
    torch.manual_seed(0)
    return MultiTaskHead(2048, 39)


def names(groups: dict[str, Any], rates: dict[str, float], steps: float) -> list[str]:
    return [group.name for group in timid_groups(groups, rates, steps)]


def test_the_papers_rates_reach_at_its_size_and_not_on_a_small_corpus(head: MultiTaskHead) -> None:
    assert names(head.parameter_groups(), PAPERS, 852_891 / 256 * 30) == []
    assert names(head.parameter_groups(), PAPERS, 19_500 / 256 * 30) == ["classification", "score"]
    assert names(head.parameter_groups(), {"classification": 1e-3, "score": 1e-3}, 19_500 / 256 * 30) == []


def test_the_needed_rate_is_just_enough(head: MultiTaskHead) -> None:
    groups = {"score": head.parameter_groups()["score"]}
    (timid,) = timid_groups(groups, PAPERS, 1000)
    assert timid.reach == pytest.approx(1e-3)
    assert timid.spread == pytest.approx((2 / 2048) ** 0.5, rel=0.02), "He's, of rFC1 and rFC2"
    assert timid_groups(groups, {"score": timid.needed * 1.001}, 1000) == []
    assert timid_groups(groups, {"score": timid.needed * 0.999}, 1000)


def test_adam_moves_no_weight_farther_than_the_reach() -> None:
    """The claim that the warning stands on: a weight moves by at most about rate x steps."""
    torch.manual_seed(0)
    layer = nn.Linear(20, 20)
    start = layer.weight.detach().clone()
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-3)
    for _ in range(50):
        optimiser.zero_grad()
        (1e6 * (layer(torch.ones(1, 20)) - 100).abs().sum()).backward()
        optimiser.step()
    moved = (layer.weight.detach() - start).abs()
    assert moved.max() <= 1.01 * 50 * 1e-3
    assert moved.min() >= 0.9 * 50 * 1e-3


def test_pretrained_layers_need_less_than_new_ones() -> None:
    weights = [nn.Parameter(torch.randn(100, 100))]
    rates = {"backbone": 1e-3, "head": 1e-3}
    assert names({"backbone": weights, "head": weights}, rates, 500) == ["head"]
    assert names({"backbone": weights, "head": weights}, rates, 50) == ["backbone", "head"]


def test_layers_that_start_at_zero_or_are_frozen_do_not_count() -> None:
    head = ScoreHead(1280, 0.5)
    nn.init.zeros_(head.fc1.weight)
    assert names(head.parameter_groups(), {"head": 1e-9}, 10) == []
    frozen = MultiTaskHead(64, 3)
    for parameter in frozen.parameters():
        parameter.requires_grad_(False)
    assert names(frozen.parameter_groups(), {"classification": 1e-9, "score": 1e-9}, 10) == []


@pytest.mark.parametrize(("schedule", "warned"), [("constant", False), ("cosine", True)])
def test_the_schedule_counts(
    toy: ModuleType, caplog: pytest.LogCaptureFixture, schedule: str, warned: bool
) -> None:
    cfg = toy.settings(schedule=schedule, epochs=40, batch_size=10, patches=1)
    groups = {"head": [nn.Parameter(torch.tensor([[-0.3, 0.3]]))]}
    with caplog.at_level("WARNING"):
        warn_of_timid_rates(groups, cfg, rows=10)
    assert bool(caplog.messages) == warned
    if warned:
        assert "learning rate of 'head' is low: 1.0e-02" in caplog.text
        assert "in 40 steps" in caplog.text


def test_rates_too_small_to_move_a_layer_are_reported_first(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        toy.train(tmp_path, learning_rates={"backbone": 1e-2, "head": 1e-9})
    timid = [i for i, line in enumerate(caplog.messages) if "the learning rate of 'head' is low" in line]
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


@pytest.mark.parametrize(("done", "samples"), [(0, 0), (2, 16), (3, 20), (4, 28), (9, 60)])
def test_the_bar_goes_on_at_the_samples_that_are_done(toy: ModuleType, done: int, samples: int) -> None:
    """Batches of 8, 8 and 4."""
    with Progress(toy.settings(), toy.STEPS, 20, done, events=None, silent=True) as progress:
        assert (progress._bar.n, progress._bar.total) == (samples, 60)


def test_a_training_that_is_through_goes_on_from_nowhere(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    toy.train(tmp_path)
    caplog.clear()
    with caplog.at_level("INFO"):
        toy.train(tmp_path)
    assert caplog.messages[-1].startswith("done before: epoch 3/3")
