"""What the heads see, standardised: each feature minus its mean, over its deviation, on the training data."""

import numpy as np
import torch

from mosforge.core.packs import Indices, Pack
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.pretraining.pretrain_settings import PretrainingSettings
from mosforge.training.batches import Mixture, batches, on_device

SAMPLES = 2048
"""Crops that the means and deviations are taken over: the first of the first epoch, or all of it."""

_LEAST_DEVIATION = 0.001
"""Added to every deviation, so that a feature that is almost constant is not blown up."""


def standardise(
    network: Network,
    head: MultiTaskHead,
    images: Pack,
    cfg: PretrainingSettings,
    device: torch.device,
    *,
    groups: Indices | None,
    mixture: Mixture | None,
) -> None:
    """Lets a head standardise its features by those of the first crops, before anything is learnt.

    Args:
        network: as it starts; it goes to the device and into evaluation mode.
        head: its head, whose buffers `mean` and `deviation` are set.
        images: of the training; all are trained on.
        cfg: of the training.
        device: where to compute.
        groups: those of the training, which its order follows (`training.batches.epoch_order`).
        mixture: likewise.
    """
    network.to(device).eval()
    rows = np.arange(len(images))
    found: list[torch.Tensor] = []
    with torch.no_grad():
        for batch in on_device(batches(images, rows, cfg, 0, groups=groups, mixture=mixture), device):
            found.append(network.vectors(batch.pixels).double())
            if sum(map(len, found)) >= SAMPLES:
                break
    vectors = torch.cat(found)[:SAMPLES]
    head.mean.copy_(vectors.mean(0))
    head.deviation.copy_(vectors.std(0, correction=0) + _LEAST_DEVIATION)
