"""What a network makes of the crops of an image before it is trained on a dataset: features and scores."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from mosforge.core.images import Pixels
from mosforge.models.backbones import find_backbone
from mosforge.models.crops import draw_boxes, predict
from mosforge.models.folder import load_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.models.objectives import corpus_and_objective
from mosforge.models.weights import load_backbone

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """The crops of which the features of a dataset's images are means."""

    size: int  # side in pixels
    count: int  # of each image
    dataset: str  # its name: the places follow from it and from the image's


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
    network: Network, pixels: Pixels, name: str, drawn: Drawn, device: torch.device
) -> tuple[Floats, Floats]:
    """Features (n, width), which the head is given, and scores (n,) of crops of one image.

    Args:
        network: in evaluation mode, on `device`.
        pixels: uint8 RGB, shape (height, width, 3).
        name: of the image.
        drawn: the crops.
        device: the network's.
    """
    vectors: list[Floats] = []

    def keep(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        vectors.append(inputs[0].double().cpu().numpy())

    boxes = draw_boxes(pixels, drawn.size, drawn.count, "features", drawn.dataset, name)
    with network.head.register_forward_pre_hook(keep):
        scores = predict(network, pixels, boxes, drawn.size, device).scores
    return np.concatenate(vectors), scores
