"""What a network makes of the crops of an image before it is trained on a dataset: features and scores."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from mosforge.core.images import Pixels
from mosforge.models.backbones import find_backbone
from mosforge.models.crops import Boxes, predict
from mosforge.models.folder import load_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.models.objectives import corpus_and_objective
from mosforge.models.weights import load_backbone

Floats = npt.NDArray[np.float64]


def frozen_network(weights: Path, backbone: str, initialisation: str, multi_level: bool) -> Network:
    """The network of an initialisation, in evaluation mode; on ImageNet weights its head gives only zeros.

    Args:
        weights: ImageNet weights of the backbone, or those in the folder of a pretrained model, safetensors.
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


def frozen_outputs(
    network: Network, pixels: Pixels, boxes: Boxes, size: int, device: torch.device
) -> tuple[Floats, Floats]:
    """Features (n, width), which the head is given, and scores (n,) of crops of one image.

    Args:
        network: in evaluation mode, on `device`.
        pixels: uint8 RGB, shape (height, width, 3).
        boxes: of the crops.
        size: side of a crop that the network is shown, in pixels.
        device: the network's.
    """
    vectors: list[Floats] = []

    def keep(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        vectors.append(inputs[0].double().cpu().numpy())

    with network.head.register_forward_pre_hook(keep):
        scores = predict(network, pixels, boxes, size, device).scores
    return np.concatenate(vectors), scores
