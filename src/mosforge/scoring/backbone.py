"""`pretrained_backbone`: the backbone of a trained model as an ordinary torch module, for code of one's own.

from mosforge import pretrained_backbone

folder = "runs/demo/results/pretraining/synthetic/efficientnet_lite0/multitask"
backbone, preprocess = pretrained_backbone(folder)
features = backbone(preprocess("image.jpg")[None])
"""

import os
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, prepared, read_rgb, to_rgb
from mosforge.models.backbones import find_backbone
from mosforge.models.folder import load_model


@dataclass(frozen=True)
class Preprocessing:
    """Makes of an image what a backbone takes; it can be pickled, for the workers of a `DataLoader`.

    The image keeps its size: the backbones learnt from crops, so scaling an image changes what they see.

    Attributes:
        mean: subtracted from the red, green and blue samples, on their scale of 0 to 255.
        std: divided by, on the same scale.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, image: str | os.PathLike[str] | Image.Image | Pixels | Tensor) -> Tensor:
        """Normalises an image.

        Args:
            image: a file, an image of Pillow's, or uint8 RGB: an array or tensor (..., height, width, 3).

        Returns:
            float32, shape (..., 3, height, width).

        Raises:
            UnreadableImageError: the file or Pillow's image cannot be decoded.
            MosforgeError: the array or tensor is not 8-bit RGB.
        """
        if isinstance(image, Image.Image):
            image = to_rgb(prepared(image))
        elif isinstance(image, str | os.PathLike):
            image = read_rgb(image)
        pixels = image if isinstance(image, Tensor) else np.array(image, subok=True)
        is_rgb = pixels.ndim > 2 and pixels.shape[-1] == 3 and 0 not in pixels.shape
        kind = str(pixels.dtype).removeprefix("torch.")
        if kind != "uint8" or not is_rgb or isinstance(pixels, np.ma.MaskedArray):
            found = f"a {type(image).__name__} of {kind}, shape {tuple(pixels.shape)}"
            raise MosforgeError(f"the image must be uint8 of shape (..., height, width, 3), not {found}")
        samples = pixels if isinstance(pixels, Tensor) else torch.from_numpy(pixels)
        mean, std = (torch.tensor(value, device=samples.device) for value in (self.mean, self.std))
        return ((samples - mean) / std).movedim(-1, -3).contiguous()


def pretrained_backbone(folder: str | os.PathLike[str]) -> tuple[nn.Module, Preprocessing]:
    """The backbone of a pretrained or fine-tuned model, without its head, and its preprocessing.

    Args:
        folder: of the model: `results/pretraining/CORPUS/BACKBONE/OBJECTIVE`, or of a fine-tuned one.

    Returns:
        The network of timm (AlexNet: of torchvision; EfficientNet-Lite0: `models.lite0`, with the weights'
        names of timm's `tf_efficientnet_lite0`), in evaluation mode on the CPU: normalised images
        (n, 3, height, width) -> features (n, width), float32. It can be trained on, and the `state_dict` of
        all but AlexNet fits `timm.create_model` with `num_classes=0`. The head of a model with `multi_level`
        sees features of earlier stages too, which `forward_intermediates` gives.

    Raises:
        MosforgeError: not a model folder, or a damaged one.
    """
    network, card = load_model(folder)
    facts = find_backbone(card["backbone"])
    return network.backbone, Preprocessing(facts.mean, facts.std)
