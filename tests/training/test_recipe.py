"""Schedules by their definitions."""

import math
from types import ModuleType

import pytest

from mosforge.training.recipe import Recipe


def recipe(toy: ModuleType, schedule: str, **changes: int) -> Recipe:
    return Recipe(**toy.RECIPE | {"schedule": schedule} | changes)


def test_constant_is_constant(toy: ModuleType) -> None:
    assert {recipe(toy, "constant").rate_factor(step, 100) for step in range(100)} == {1.0}


@pytest.mark.parametrize(("steps", "warm_up"), [(1000, 50), (400, 20), (3000, 50)])
def test_cosine_warms_up_and_falls_to_zero(toy: ModuleType, steps: int, warm_up: int) -> None:
    factors = [recipe(toy, "cosine").rate_factor(step, steps) for step in range(steps)]
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
    factors = [recipe(toy, "cosine", warm_up=asked).rate_factor(step, 2000) for step in range(200)]
    assert factors[0] == pytest.approx(1 / expected, rel=1e-3)
    assert factors.index(max(factors)) == expected - 1


@pytest.mark.parametrize("steps", [1, 2, 19, 20, 39])
def test_a_short_training_does_not_start_at_zero(toy: ModuleType, steps: int) -> None:
    assert recipe(toy, "cosine").rate_factor(0, steps) == 1.0
    assert all(0 < recipe(toy, "cosine").rate_factor(step, steps) <= 1 for step in range(steps))
