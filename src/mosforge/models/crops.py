"""A picture's crops, drawn from the picture's own seed, and what a network says of them."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch

from mosforge.core.images import Pixels, at_least
from mosforge.core.seeds import generator
from mosforge.models.network import Network

Boxes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Said = tuple[Floats, Floats | None]
"""The scores of some crops, shape (n,), and their class logits, shape (n, classes), if there are any."""

# The number of crops in a batch changes the last bits of every result. A picture's crops always make
# batches of their own, so its score does not depend on which pictures are scored beside it. A processor
# core is fastest with few, whose features stay in its cache.
TEST_CROPS = 60
"""Crops whose mean is the score of a picture (paper, 4.1); what a model's card asks for."""

_CROPS_AT_ONCE = {"cpu": 6, "cuda": 64}


def draw_boxes(pixels: Pixels, size: int, count: int, *key: str | int) -> Boxes:
    """Top and left of `count` random crops, shape (count, 2), drawn from `key` alone.

    A picture that is exactly as large as a crop has only one, and gets one.
    """
    height, width = (max(side, size) for side in pixels.shape[:2])
    if (height, width) == (size, size):
        return np.zeros((1, 2), np.int64)
    rng = generator("test crops", *key)
    return rng.integers(0, (height - size + 1, width - size + 1), (count, 2))


def predict(network: Network, pixels: Pixels, boxes: Boxes, size: int, device: torch.device) -> Said:
    """What a network says of each crop.

    Args:
        network: in evaluation mode, on `device`.
        pixels: uint8 RGB, shape (height, width, 3); mirrored at the edges where smaller than `size`.
        boxes: top and left of each crop, shape (n, 2).
        size: side of a crop in pixels.
        device: the network's.
    """
    pixels = at_least(pixels, size)
    return joined(ask(network, cut(pixels, part, size), device) for part in batches_of(boxes, device))


def batches_of(boxes: Boxes, device: torch.device) -> list[Boxes]:
    """The boxes of one picture, as many together as go through a network at once."""
    most = _CROPS_AT_ONCE[device.type]
    return [boxes[start : start + most] for start in range(0, len(boxes), most)]


def cut(pixels: Pixels, boxes: Boxes, size: int) -> Pixels:
    """Crops of a picture with sides of at least `size`: uint8, shape (n, size, size, 3)."""
    return np.stack([pixels[top : top + size, left : left + size] for top, left in boxes])


def ask(network: Network, crops: Pixels, device: torch.device) -> Said:
    """One pass of crops, uint8 (n, height, width, 3), through a network."""
    batch = torch.from_numpy(crops)
    if device.type == "cuda":
        batch = batch.pin_memory().to(device, non_blocking=True)
    with torch.inference_mode():
        output = network(batch)
    logits, scores = output if isinstance(output, tuple) else (None, output)
    return (
        scores.double().cpu().numpy(),
        None if logits is None else logits.double().cpu().numpy(),
    )


def joined(parts: Iterable[Said]) -> Said:
    """What was said of the batches of one picture, in one piece."""
    scores, logits = zip(*parts, strict=True)
    return np.concatenate(scores), None if logits[0] is None else np.concatenate(logits)
