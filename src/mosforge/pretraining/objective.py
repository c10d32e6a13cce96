"""The losses of pretraining (paper, equations 1 to 8)."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mosforge.training.loop import Losses, LossOf

OBJECTIVES = ("cls", "reg", "multitask")
"""Classification alone, score alone, and both (CLS, REG and CLS+REG in the paper's Fig. 3)."""


def loss_for(objective: str, kind: str, scores: Tensor, classes: Tensor) -> LossOf:
    """The loss of a batch under an objective.

    The network is the same under all objectives; a single task leaves the other's loss out.

    Args:
        objective: one of `OBJECTIVES`.
        kind: `single` (one class a picture: softmax cross-entropy, equations 1 and 2) or `multiple`
            (several: sigmoid and binary cross-entropy, equations 3 and 4).
        scores: pseudo-MOS of every sample, float32 (n,).
        classes: class index (n,), or labels of 0 and 1 (n, classes), of every sample.
    """

    def loss_of(output: Any, positions: Tensor) -> Losses:
        logits, predicted = output
        parts: Losses = {}
        if objective != "reg":
            parts["class_loss"] = class_loss(kind, logits, classes[positions])
        if objective != "cls":
            parts["score_loss"] = functional.l1_loss(predicted, scores[positions])  # equation 6
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}  # equations 7 and 8

    return loss_of


def class_loss(kind: str, logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy of a batch, averaged over its pictures (and, for `multiple`, over the classes)."""
    if kind == "single":
        return functional.cross_entropy(logits, classes)
    return functional.binary_cross_entropy_with_logits(logits, classes)
