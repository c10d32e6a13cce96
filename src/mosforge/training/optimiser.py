"""How the weights of a network change: the optimiser, its learning rates, and the running average."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mosforge.models.network import Network
from mosforge.models.weights import Weights
from mosforge.training.settings import TrainingSettings


def make_optimiser(network: Network, cfg: TrainingSettings, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of a training, with a rate for each group of parameters; one kernel a step on a GPU.

    Parameters that an objective does not train have no gradient, and need no rate.
    """
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    groups: list[dict[str, Any]] = [
        {"params": trained, "lr": cfg.learning_rates[name], "initial_lr": cfg.learning_rates[name]}
        for name, parameters in network.parameter_groups().items()
        if (trained := [parameter for parameter in parameters if parameter.requires_grad])
    ]
    return kinds[cfg.optimiser](
        groups, betas=(0.9, 0.999), weight_decay=cfg.weight_decay, fused=device.type == "cuda" or None
    )


def rate_factor(cfg: TrainingSettings, step: int, steps: int) -> float:
    """The factor of all learning rates at a step, from 0, of the steps of the whole training."""
    if cfg.schedule == "constant":
        return 1.0
    warm_up = min(1.0, (step + 1) / max(1, min(cfg.warm_up, steps // 20)))
    return warm_up * 0.5 * (1.0 + math.cos(math.pi * step / steps))


class Average:
    """An exponential moving average of all weights and batch statistics of a network.

    It is often better than the last weights. At step t, from 0, it decays by min(decay, (1 + t) / (10 + t)),
    so that a short training, too, forgets where it started.

    Args:
        network: its weights are averaged on their device.
        decay: in (0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network = network
        self._decay = decay
        # state_dict gives the very tensors that the optimiser changes in place; counters are not averaged.
        live = {key: value for key, value in network.state_dict().items() if value.is_floating_point()}
        self._live: list[Tensor] = list(live.values())
        self.weights: Weights = {key: value.clone() for key, value in live.items()}

    def update(self, step: int) -> None:
        """Adds the weights after a step."""
        decay = min(self._decay, (1 + step) / (10 + step))
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        average(list(self.weights.values()), self._live, 0)

    def load(self, weights: Weights) -> None:
        """Goes on from saved weights."""
        for key, value in self.weights.items():
            value.copy_(weights[key])

    def put(self) -> None:
        """Gives the network the averaged weights for good."""
        self._network.load_state_dict(self.weights, strict=False)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """While the block runs, the network has the averaged weights."""
        own = {key: value.clone() for key, value in zip(self.weights, self._live, strict=True)}
        self.put()
        try:
            yield
        finally:
            with torch.no_grad():
                self._network.load_state_dict(own, strict=False)
