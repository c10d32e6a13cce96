"""The network of an initialisation before it is trained on a dataset."""

from pathlib import Path

from mosforge.models.backbones import find_backbone
from mosforge.models.folder import load_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.models.objectives import corpus_and_objective
from mosforge.models.weights import load_backbone


def frozen_network(weights: Path, backbone: str, initialisation: str, multi_level: bool) -> Network:
    """The network of an initialisation, in evaluation mode; on ImageNet weights its head gives only zeros.

    Args:
        weights: first weights of the backbone, or those in the folder of a pretrained model, safetensors.
        backbone: its name.
        initialisation: `imagenet`, or CORPUS-OBJECTIVE.
        multi_level: features of all stages of the backbone, on ImageNet weights.

    Raises:
        MosforgeError: the weights do not fit.
    """
    if corpus_and_objective(initialisation)[0]:
        return load_model(weights.parent)[0]
    head = ScoreHead(find_backbone(backbone).feature_width(multi_level), 0.0)
    network = Network(backbone, head, multi_level)
    load_backbone(network, weights)
    return network.eval()
