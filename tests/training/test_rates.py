"""Warnings of learning rates that cannot move a layer."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.training.rates import timid_groups, warn_of_timid_rates
from mosforge.training.recipe import Recipe

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


def test_what_starts_at_zero_or_is_frozen_does_not_count() -> None:
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
    recipe = Recipe(**toy.RECIPE | {"schedule": schedule, "epochs": 40, "batch_size": 10, "repeats": 1})
    groups = {"head": [nn.Parameter(torch.tensor([[-0.3, 0.3]]))]}
    with caplog.at_level("WARNING"):
        warn_of_timid_rates(groups, recipe, rows=10)
    assert bool(caplog.messages) == warned
    if warned:
        assert "learning rate of 'head' is timid: 1.0e-02" in caplog.text
        assert "in 40 steps" in caplog.text
