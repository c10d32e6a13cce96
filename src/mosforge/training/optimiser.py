"""How the weights of a network change: Adam and its learning rates."""

import math
from typing import Any

import torch

from mosforge.models.network import Network
from mosforge.training.settings import TrainingSettings


def make_optimiser(network: Network, cfg: TrainingSettings, device: torch.device) -> torch.optim.Adam:
    """Adam (Kingma & Ba, 2015) with a rate for each group of parameters; one kernel a step on a GPU.

    Parameters that an objective does not train have no gradient, and need no rate.
    """
    groups: list[dict[str, Any]] = [
        {"params": trained, "lr": cfg.learning_rates[name], "initial_lr": cfg.learning_rates[name]}
        for name, parameters in network.parameter_groups().items()
        if (trained := [parameter for parameter in parameters if parameter.requires_grad])
    ]
    return torch.optim.Adam(groups, betas=(0.9, 0.999), fused=device.type == "cuda" or None)


def rate_factor(cfg: TrainingSettings, step: int, steps: int) -> float:
    """The factor of all learning rates at a step, from 0, of the steps of the whole training."""
    if cfg.schedule == "constant":
        return 1.0
    warm_up = min(1.0, (step + 1) / max(1, min(cfg.warm_up, steps // 20)))
    return warm_up * 0.5 * (1.0 + math.cos(math.pi * step / steps))
