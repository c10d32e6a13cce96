"""The losses of pretraining (paper, equations 1 to 8), and the ranking loss of RankIQA."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mosforge.models.heads import MultiTaskHead
from mosforge.models.objectives import LOSSES
from mosforge.pretraining.labels import Labels
from mosforge.training.losses import Losses, LossOf


def make_loss(
    objective: str,
    labels: Labels,
    *,
    loss_weights: Mapping[Any, float] | None = None,
    rank_margin: float = 0.0,
) -> LossOf:
    """The loss of a batch under an objective.

    The network is the same under all objectives; a single task leaves the other's loss out.

    Args:
        objective: one of `LOSSES`; the score loss of `rank` is `rank_loss`.
        labels: of all samples.
        loss_weights: factors of the `classification` and `score` losses in their sum; 1 by default, as in
            equations 7 and 8.
        rank_margin: of `rank_loss`.
    """
    learnt = LOSSES[objective]
    weights = {"classification": 1.0, "score": 1.0, **(loss_weights or {})}

    def loss_of(output: Any, positions: Tensor) -> Losses:
        logits, predicted = output
        parts: Losses = {}
        weighted = []
        if "classification" in learnt:
            parts["class_loss"] = class_loss(logits, labels, positions)
            weighted.append(weights["classification"] * parts["class_loss"])
        if "score" in learnt:
            parts["score_loss"] = (
                rank_loss(predicted, labels.series[positions], labels.levels[positions], rank_margin)
                if objective == "rank"
                else functional.l1_loss(predicted, labels.scores[positions])  # equation 6
            )
            weighted.append(weights["score"] * parts["score_loss"])
        return {"loss": torch.stack(weighted).sum(), **parts}

    return loss_of


def class_loss(logits: Tensor, labels: Labels, positions: Tensor) -> Tensor:
    """Cross-entropy of a batch, averaged over its images (and over the classes, if they have several).

    Images with one class: softmax, equations 1 and 2; with several: sigmoids, equations 3 and 4. Where
    there are both, the first logits are those of the single classes.
    """
    if labels.class_bits is None:
        assert labels.class_index is not None
        return functional.cross_entropy(logits, labels.class_index[positions])
    bits = labels.class_bits[positions]
    if labels.class_index is None:
        return functional.binary_cross_entropy_with_logits(logits, bits)
    index = labels.class_index[positions]
    singles, several = logits[:, : -bits.shape[1]], logits[:, -bits.shape[1] :]
    losses = torch.where(
        index >= 0,
        functional.cross_entropy(singles, index, ignore_index=-1, reduction="none"),
        functional.binary_cross_entropy_with_logits(several, bits, reduction="none").mean(1),
    )
    return losses.mean()


def rank_loss(predicted: Tensor, series: Tensor, levels: Tensor, margin: float) -> Tensor:
    """Hinge on every pair of levels of the same pristine image and distortion type in a batch.

    RankIQA (Liu, van de Weijer and Bagdanov, ICCV 2017), section 3: the less distorted image of a pair
    should score higher, by a margin. Each image passes the network once, however many pairs it is in.

    Args:
        predicted: scores of the batch, higher is better, (n,).
        series: of each image, (n,).
        levels: of each image, higher is more distorted, (n,).
        margin: by which the scores of a pair should differ.

    Returns:
        The mean over the pairs; 0 where there is none.
    """
    better_first = (series[:, None] == series[None, :]) & (levels[:, None] < levels[None, :])
    hinges = torch.relu(margin - (predicted[:, None] - predicted[None, :]))
    return (hinges * better_first).sum() / better_first.sum().clamp(min=1)


def untrained_parameters(head: MultiTaskHead, objective: str) -> Iterable[nn.Parameter]:
    """The parameters of a head that an objective's loss does not depend on."""
    of_one_loss = {"classification": (head.cfc2,), "score": (head.rfc1, head.rfc2, head.rfc3)}
    unused = [layers for loss, layers in of_one_loss.items() if loss not in LOSSES[objective]]
    return [parameter for layers in unused for layer in layers for parameter in layer.parameters()]
