"""Backbones by name: a card of facts each, and the network that turns pictures into feature vectors."""

from dataclasses import dataclass

import timm
import torch
import torchvision
from torch import nn

from mosforge.errors import MosforgeError

_IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_IMAGENET_STD = (0.229 * 255, 0.224 * 255, 0.225 * 255)


@dataclass(frozen=True)
class Backbone:
    """What must be known of a backbone to use it.

    Attributes:
        name: its name in the configuration.
        width: length of the feature vector.
        mean: subtracted from the red, green and blue samples, on their scale of 0 to 255.
        std: divided by, on the same scale.
        classifier: prefix of the parameters of the ImageNet classifier, which the feature vector bypasses.
    """

    name: str
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classifier: str


BACKBONES = {
    card.name: card
    for card in (
        Backbone("resnet50", 2048, _IMAGENET_MEAN, _IMAGENET_STD, "fc."),
        Backbone("resnet18", 512, _IMAGENET_MEAN, _IMAGENET_STD, "fc."),
        # The feature vector is what the last of AlexNet's three fully connected layers would classify.
        Backbone("alexnet", 4096, _IMAGENET_MEAN, _IMAGENET_STD, "classifier.6."),
        Backbone("efficientnet_lite0", 1280, (127.0,) * 3, (128.0,) * 3, "classifier."),
    )
}


def card_of(name: str) -> Backbone:
    """The card of a backbone, or an error that names those there are."""
    try:
        return BACKBONES[name]
    except KeyError:
        raise MosforgeError(f"backbone {name!r} is not one of {', '.join(BACKBONES)}") from None


def build_backbone(name: str) -> nn.Module:
    """A backbone with random weights: normalised pictures (N, 3, H, W) -> feature vectors (N, width)."""
    card = card_of(name)
    network: nn.Module
    if name == "efficientnet_lite0":
        # The weights that can be had were trained with TensorFlow's "SAME" padding; timm's plain
        # efficientnet_lite0 loads them without an error and halves the agreement of its predictions.
        network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    else:
        network = getattr(torchvision.models, name)(weights=None)
        parent, _, last = card.classifier.rstrip(".").rpartition(".")
        setattr(network.get_submodule(parent), last, nn.Identity())
    return network


def without_classifier(name: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The part of an ImageNet network's weights that `build_backbone(name)` has."""
    prefix = card_of(name).classifier
    return {key: value for key, value in state.items() if not key.startswith(prefix)}
