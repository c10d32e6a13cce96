"""The beginning of a training: a network with a fresh head on the weights that it starts from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from mosforge.core.seeds import seed_of
from mosforge.models.backbones import find_backbone
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.weights import load_backbone

Head = TypeVar("Head", MultiTaskHead, ScoreHead)


def start(
    cfg: Mapping[str, Any], weights: Path, purpose: str, head_of_width: Callable[[int], Head], mean: float
) -> tuple[Network, Head]:
    """The network at the beginning of a training, and its head.

    Args:
        cfg: parameters of the training: `backbone`, `multi_level`, `crop` and `seed`.
        weights: file of the backbone's weights, or of a trained model's.
        purpose: of the seed that the head's first weights follow from.
        head_of_width: makes the head for a length of the feature vector.
        mean: of the training labels, where the scores start.

    Raises:
        MosforgeError: the weights do not fit, or the network takes no crops of that size.
    """
    facts = find_backbone(cfg["backbone"])
    facts.check_crop(cfg["crop"])
    torch.manual_seed(seed_of(purpose, cfg["seed"]))
    head = head_of_width(facts.feature_width(cfg["multi_level"]))
    network = Network(cfg["backbone"], head, cfg["multi_level"])
    load_backbone(network, weights)
    head.start_at(mean)
    return network, head
