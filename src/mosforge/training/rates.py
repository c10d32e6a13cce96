"""Learning rates that are too small to matter, told before the training and not after it."""

import logging
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from mosforge.training.recipe import Recipe

log = logging.getLogger(__name__)

_NEEDED = {"backbone": 0.1}
"""Share of its spread that a group must be able to move by, where not all: ImageNet's need but a nudge."""


@dataclass(frozen=True)
class TimidGroup:
    """A group of layers that its learning rate can hardly move.

    Attributes:
        name: of the group.
        rate: its learning rate.
        reach: how far a weight can move in the training, about rate x steps under Adam.
        spread: standard deviation of the weights of its typical layer at the start.
        needed: the least rate that would do.
    """

    name: str
    rate: float
    reach: float
    spread: float
    needed: float


def timid_groups(
    groups: Mapping[str, Sequence[Tensor]], rates: Mapping[str, float], steps: float
) -> list[TimidGroup]:
    """The groups whose layers will end about where they start.

    Adam divides a gradient by its own size, so that a weight moves by at most about its rate a step,
    whatever the loss. A new layer should be able to move by its initial spread, a pretrained one by a tenth
    of it.

    Args:
        groups: parameters by group, as they start. Biases, frozen layers and those that start at zero do
            not count.
        rates: learning rates by group.
        steps: steps of the training, each weighted with its share of the rate.
    """
    timid = []
    for name, parameters in groups.items():
        layers = [layer.detach() for layer in parameters if layer.dim() > 1 and layer.requires_grad]
        spreads = [spread for layer in layers if (spread := float(layer.std(correction=0))) > 0]
        if not spreads:
            continue
        spread, reach = statistics.median(spreads), rates[name] * steps
        target = spread * _NEEDED.get(name, 1.0)
        if reach < target:
            timid.append(TimidGroup(name, rates[name], reach, spread, needed=target / steps))
    return timid


def warn_of_timid_rates(groups: Mapping[str, Sequence[Tensor]], recipe: Recipe, rows: int) -> None:
    """Logs a warning for each group that a training on `rows` pictures can hardly move."""
    total = recipe.epochs * math.ceil(rows * recipe.repeats / recipe.batch_size)
    steps = sum(recipe.rate_factor(step, total) for step in range(total))
    for group in timid_groups(groups, recipe.learning_rates, steps):
        log.warning(
            "warning: the learning rate of %r is timid: %.1e moves a weight by about %.1e in %d steps, while "
            "the weights of its layers spread by %.1e; raise the rate to %.0e or more, or train longer",
            *(group.name, group.rate, group.reach, total, group.spread, group.needed),
        )
