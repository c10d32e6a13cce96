"""The first steps of Adam, and the schedules of its rates by their definitions."""

import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from mosforge.core.errors import MosforgeError
from mosforge.training.optimiser import make_optimiser, rate_factor

Weights = dict[str, torch.Tensor]


def factor(toy: ModuleType, step: int, steps: int, schedule: str = "cosine", **changes: int) -> float:
    return rate_factor(toy.settings(schedule=schedule, **changes), step, steps)


def test_constant_is_constant(toy: ModuleType) -> None:
    assert {factor(toy, step, 100, "constant") for step in range(100)} == {1.0}


@pytest.mark.parametrize(("steps", "warm_up"), [(1000, 50), (400, 20), (3000, 50)])
def test_cosine_warms_up_and_falls_to_zero(toy: ModuleType, steps: int, warm_up: int) -> None:
    factors = [factor(toy, step, steps) for step in range(steps)]
    assert factors[0] == pytest.approx(1 / warm_up, rel=1e-3)
    assert factors.index(max(factors)) == warm_up - 1
    for step in range(warm_up - 1, steps):
        assert factors[step] == pytest.approx((1 + math.cos(math.pi * step / steps)) / 2)
    assert factors[steps // 2] == pytest.approx(0.5)
    assert 0 < factors[-1] < 1e-4
    assert all(
        later < earlier for earlier, later in zip(factors[warm_up:], factors[warm_up + 1 :], strict=False)
    )


@pytest.mark.parametrize(("asked", "expected"), [(10, 10), (1, 1), (0, 1), (500, 100)])
def test_the_warm_up_is_as_long_as_asked_and_a_twentieth_at_most(
    toy: ModuleType, asked: int, expected: int
) -> None:
    factors = [factor(toy, step, 2000, warm_up=asked) for step in range(200)]
    assert factors[0] == pytest.approx(1 / expected, rel=1e-3)
    assert factors.index(max(factors)) == expected - 1


@pytest.mark.parametrize("steps", [1, 2, 19, 20, 39])
def test_a_short_training_does_not_start_at_zero(toy: ModuleType, steps: int) -> None:
    assert factor(toy, 0, steps) == 1.0
    assert all(0 < factor(toy, step, steps) <= 1 for step in range(steps))


def test_each_group_has_its_own_rate(toy: ModuleType, tmp_path: Path) -> None:
    before = toy.Toy().state_dict()
    weights, _ = toy.train(tmp_path, learning_rates={"backbone": 0.0, "head": 1e-2})
    assert torch.equal(weights["convolution.weight"], before["convolution.weight"])
    assert not torch.equal(weights["head.weight"], before["head.weight"])


def test_frozen_parameters_need_no_rate(toy: ModuleType) -> None:
    network = toy.Toy()
    network.head.requires_grad_(False)
    cfg = toy.settings(learning_rates={"backbone": 1e-2})
    optimiser = make_optimiser(network, cfg, torch.device("cpu"))
    trained = {parameter for group in optimiser.param_groups for parameter in group["params"]}
    assert trained == {*network.convolution.parameters(), *network.normalisation.parameters()}
    assert optimiser.defaults["betas"] == (0.9, 0.999)


def test_the_first_step_of_adam_is_the_rate(toy: ModuleType, tmp_path: Path) -> None:
    """Adam's first step is rate x sign(gradient), whatever the gradient's size (Kingma & Ba, 2.1)."""
    before = toy.Toy().state_dict()["head.weight"]
    weights, _ = toy.train(
        tmp_path, epochs=1, patches=1, batch_size=10, learning_rates={"backbone": 1e-3, "head": 1e-2}
    )
    moved = (weights["head.weight"] - before).abs()
    np.testing.assert_allclose(moved[moved > 1e-4], 1e-2, rtol=1e-3)
    assert (moved > 1e-4).sum() >= 4


def test_every_step_is_taken_at_the_rate_of_the_schedule(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[list[float]] = []
    step = torch.optim.Adam.step

    def watched(self: torch.optim.Adam) -> None:
        rates.append([group["lr"] for group in self.param_groups])
        step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    with pytest.raises(MosforgeError, match="stopped"):
        toy.train(tmp_path, at_step=toy.stop_at(5), learning_rates={"backbone": 1e-3, "head": 1e-2})
    toy.train(tmp_path, learning_rates={"backbone": 1e-3, "head": 1e-2})
    factors = [factor(toy, step, 3 * toy.STEPS) for step in range(3 * toy.STEPS)]
    assert factors[-1] < 0.1
    np.testing.assert_allclose(rates, [[1e-3 * one, 1e-2 * one] for one in factors])
