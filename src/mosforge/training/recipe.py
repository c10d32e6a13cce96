"""How a network is trained: the values that change the result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; every field changes the result.

    Attributes:
        seed: of the order, the crops, the dropout and the heads' first weights.
        epochs: passes over the samples.
        repeats: crops of each picture in an epoch.
        batch_size: crops a step.
        crop: side of the crops in pixels.
        flip: mirror half of the crops.
        optimiser: `adam` or `adamw`, with betas of .9 and .999.
        weight_decay: of the optimiser.
        learning_rates: by the names of the network's parameter groups, of those that are trained.
        schedule: `constant`, or `cosine` (a warm-up, then half a cosine down to zero).
        gradient_clip: largest norm of all gradients together; 0: whatever it is.
        weight_average: decay a step of the running average of the weights that is validated and kept
            instead of the last ones; 0: none.
        warm_up: steps over which `cosine` raises the rates; a twentieth of all steps if that is less.
    """

    seed: int
    epochs: int
    repeats: int
    batch_size: int
    crop: int
    flip: bool
    optimiser: str
    weight_decay: float
    learning_rates: Mapping[str, float]
    schedule: str
    gradient_clip: float
    weight_average: float
    warm_up: int = 0

    @classmethod
    def from_parameters(cls, cfg: Mapping[str, Any], repeats: int) -> "Recipe":
        """The recipe in the parameters of a rule, which has the other fields under their names.

        The warm-up is among them where the schedule has one.
        """
        names = cls.__dataclass_fields__.keys() - {"repeats"}
        names -= {"warm_up"} if cfg["schedule"] == "constant" else set()
        return cls(repeats=repeats, **{name: cfg[name] for name in names})

    def rate_factor(self, step: int, steps: int) -> float:
        """What the learning rates are multiplied with at a step of the whole training."""
        if self.schedule == "constant":
            return 1.0
        warm_up = min(1.0, (step + 1) / max(1, min(self.warm_up, steps // 20)))
        return warm_up * 0.5 * (1.0 + math.cos(math.pi * step / steps))
