"""A loss that lets a pretraining keep what its first weights know.

A network that learns distortions alone forgets the contents that ImageNet taught it, and these tell much
about how people rate images. So the network that it starts from looks at the same crops, and the last
features of the two are held together, as learning without forgetting does with the outputs (Li and Hoiem,
IEEE TPAMI 40(12), 2018).
"""

import copy

import numpy as np
import torch
from torch import Tensor

from mosforge.core.packs import Pack
from mosforge.core.seeds import generator
from mosforge.models.network import Network, Precision
from mosforge.pretraining.pretrain_settings import PretrainingSettings

_MEASURED = 256
"""Crops over which the deviation of a feature is measured."""

_AT_ONCE = 16

_SMALLEST = 0.05
"""Smallest deviation that is divided by: some features are nearly always zero."""


class Distillation:
    """The mean squared difference of the last features from those at the start, in their own deviations.

    Args:
        network: at the start of the training; its backbone is copied.
        images: that are trained on. Some of their crops, drawn from the seed, give the deviations.
        cfg: of the training.
        precision: what the first weights compute in.
        device: where to train.
    """

    def __init__(
        self,
        network: Network,
        images: Pack,
        cfg: PretrainingSettings,
        precision: Precision,
        device: torch.device,
    ) -> None:
        self._weight = cfg.distillation
        self._teacher = copy.deepcopy(network).requires_grad_(False).eval().to(device)
        self._teacher.multi_level, self._teacher.precision = False, precision
        self._deviations = self._measure(images, cfg, device)

    def __call__(self, planes: Tensor, features: Tensor) -> Tensor:
        """The weighted loss of normalised crops (n, 3, height, width) and their features (n, width)."""
        with torch.no_grad():
            kept = self._teacher.describe(planes)
        own = features[:, -kept.shape[1] :]  # multi-level features end with the last ones
        loss: Tensor = self._weight * ((own - kept) / self._deviations).square().mean()
        return loss

    def _measure(self, images: Pack, cfg: PretrainingSettings, device: torch.device) -> Tensor:
        """The standard deviations of the last features, (width,)."""
        rng = generator("distillation", cfg.seed)
        count = min(_MEASURED, len(images))
        rows = np.sort(rng.choice(len(images), count, replace=False))
        draws = rng.random((count, 3), dtype=np.float32)
        crops = np.empty((count, cfg.crop, cfg.crop, 3), np.uint8)
        images.crops(rows, draws, cfg.crop, crops)
        parts = []
        with torch.inference_mode():
            for start in range(0, count, _AT_ONCE):
                part = torch.from_numpy(crops[start : start + _AT_ONCE]).to(device)
                parts.append(self._teacher.describe(self._teacher.normalise(part)))
        return torch.cat(parts).std(0).clamp_min(_SMALLEST)
