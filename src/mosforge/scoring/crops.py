"""A picture's score: the mean over random crops that are drawn from the picture's own seed."""

import numpy as np
import numpy.typing as npt
import torch

from mosforge.images import Pixels, at_least
from mosforge.models.network import Network
from mosforge.seeds import generator

Boxes = npt.NDArray[np.int64]

_CROPS_AT_ONCE = 64


def draw_boxes(pixels: Pixels, size: int, count: int, *key: str | int) -> Boxes:
    """Top and left of `count` random crops, shape (count, 2), drawn from `key` alone.

    A picture that is exactly as large as a crop has only one, and gets one.
    """
    height, width = (max(side, size) for side in pixels.shape[:2])
    if (height, width) == (size, size):
        return np.zeros((1, 2), np.int64)
    rng = generator("test crops", *key)
    return rng.integers(0, (height - size + 1, width - size + 1), (count, 2))


def predict(
    network: Network, pixels: Pixels, boxes: Boxes, size: int, device: torch.device
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """What a network says of each crop.

    Args:
        network: in evaluation mode, on `device`.
        pixels: uint8 RGB, shape (height, width, 3); mirrored at the edges where smaller than `size`.
        boxes: top and left of each crop, shape (n, 2).
        size: side of a crop in pixels.
        device: the network's.

    Returns:
        The scores, shape (n,), and the class logits, shape (n, classes), if the network has them.
    """
    pixels = at_least(pixels, size)
    crops = np.stack([pixels[top : top + size, left : left + size] for top, left in boxes])
    scores, logits = [], []
    with torch.inference_mode():
        for part in torch.split(torch.from_numpy(crops), _CROPS_AT_ONCE):
            output = network(part.to(device))
            if isinstance(output, tuple):
                logits.append(output[0].double().cpu().numpy())
                output = output[1]
            scores.append(output.double().cpu().numpy())
    return np.concatenate(scores), np.concatenate(logits) if logits else None
