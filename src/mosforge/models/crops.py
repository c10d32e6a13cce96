"""The crops of an image, random ones or those of a grid, and a network's outputs for them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from mosforge.core.images import Pixels, at_least
from mosforge.core.seeds import generator
from mosforge.core.values import TestCrops
from mosforge.models.network import Network

Boxes = npt.NDArray[np.int64]
"""Top, left and side of each crop, shape (n, 3); one that is larger than the network is shown is shrunk."""

Floats = npt.NDArray[np.float64]

# The number of crops in a batch changes the last bits of every result. The crops of an image always make
# batches of their own, so its score does not depend on the images that are scored beside it. A processor
# core is fastest with few, whose features stay in its cache.
_CROPS_AT_ONCE = {"cpu": 6, "cuda": 64}


SMALLEST_VIEW = 512
"""No image is shown to a network with a shorter side below this because it is too large."""

_IN_GRID = ((2, 2), (1, 1), (1, 3), (3, 1), (3, 3))
"""Quarters of the way from the first to the last place of a crop, from above and from the left."""


class CropOutputs(NamedTuple):
    """The outputs of a network for some crops of one image."""

    features: Floats  # what the head was given, shape (n, width)
    scores: Floats  # shape (n,)
    logits: Floats | None  # of the classes, shape (n, classes); None for a network without them


def draw_boxes(pixels: Pixels, size: int, count: int, *key: str | int) -> Boxes:
    """`count` random crops of an image in its own size.

    They depend only on `key` and the size of the image. An image that is exactly as large as a crop has
    only one box.
    """
    height, width = (max(side, size) for side in pixels.shape[:2])
    if (height, width) == (size, size):
        return np.array([(0, 0, size)], np.int64)
    rng = generator("test crops", *key)
    corners = rng.integers(0, (height - size + 1, width - size + 1), (count, 2))
    return np.column_stack([corners, np.full(count, size)])


def grid_boxes(pixels: Pixels, size: int) -> Boxes:
    """The crop in the centre, the four halfway from it to the corners, and the largest square in the centre.

    The square shows the composition of the image, which people judge, too. In an image hardly larger than a
    crop some of the six are the same, which then counts once.
    """
    height, width = (max(side, size) for side in pixels.shape[:2])
    free, whole = (height - size, width - size), min(height, width)
    boxes = [
        *((down * free[0] // 4, right * free[1] // 4, size) for down, right in _IN_GRID),
        ((height - whole) // 2, (width - whole) // 2, whole),
    ]
    return np.array(list(dict.fromkeys(boxes)), np.int64)


def view(pixels: Pixels, side: int | None) -> Pixels:
    """An image as it is shown to a network: one that is too large is shrunk.

    A crop of a large image shows a small part of it, and its pixels are finer than any that the network
    learned from. Lanczos' filter takes away less of what is left than a mean of areas, which networks take
    for blur.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        side: the longest shorter side that is shown in its own size; None: every one is.
    """
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if side is None or shorter <= side:
        return pixels
    size = tuple((length * side + shorter // 2) // shorter for length in (width, height))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def view_side(heights: npt.NDArray[np.int64], widths: npt.NDArray[np.int64]) -> int:
    """The longest shorter side that a network is shown in its own size (see `view`).

    One training image in twenty is larger at the most, so that a network is shown no image at a size that
    it hardly knows; but at least `SMALLEST_VIEW`, since shrinking also takes away what people see.

    Args:
        heights: of the training images, in pixels, shape (n,).
        widths: likewise.
    """
    shorter = np.minimum(heights, widths)
    return max(SMALLEST_VIEW, int(np.quantile(shorter, 0.95, method="lower")))


def grid_view(pixels: Pixels, size: int, side: int | None) -> tuple[Pixels, Boxes]:
    """An image as it is shown to a network, and the grid of crops that its score is the mean over.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        size: side of a crop in pixels.
        side: see `view`.
    """
    shown = view(pixels, side)
    return shown, grid_boxes(shown, size)


def shown_crops(
    pixels: Pixels, size: int, crops: TestCrops, side: int | None, *key: str | int
) -> tuple[Pixels, Boxes]:
    """A test image as it is shown to a network, and its crops: those of `grid_view`, or random ones.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        size: side of a crop in pixels.
        crops: how many random ones, of the image in its own size; or `grid`.
        side: of a grid, see `view`.
        key: what random crops follow from, see `draw_boxes`.
    """
    if isinstance(crops, str):
        return grid_view(pixels, size, side)
    return pixels, draw_boxes(pixels, size, crops, *key)


def predict(network: Network, pixels: Pixels, boxes: Boxes, size: int, device: torch.device) -> CropOutputs:
    """The outputs of a network for crops of one image.

    Args:
        network: in evaluation mode, on `device`.
        pixels: uint8 RGB, shape (height, width, 3); mirrored at the edges where smaller than `size`.
        boxes: of the crops.
        size: side of a crop that the network is shown, in pixels.
        device: the network's.
    """
    pixels = at_least(pixels, size)
    batches = split_into_batches(boxes, device)
    return join_outputs(run_network(network, cut_crops(pixels, batch, size), device) for batch in batches)


def split_into_batches(boxes: Boxes, device: torch.device) -> list[Boxes]:
    """The boxes of one image, in parts that go through a network at once."""
    most = _CROPS_AT_ONCE[device.type]
    return [boxes[start : start + most] for start in range(0, len(boxes), most)]


def cut_crops(pixels: Pixels, boxes: Boxes, size: int) -> Pixels:
    """Crops of an image with sides of at least `size`: uint8, shape (n, size, size, 3)."""
    crops = (pixels[top : top + side, left : left + side] for top, left, side in boxes)
    return np.stack([view(crop, size) for crop in crops])


def run_network(network: Network, crops: Pixels, device: torch.device) -> CropOutputs:
    """One pass of crops, uint8 (n, height, width, 3), through a network."""
    batch = torch.from_numpy(crops)
    if device.type == "cuda":
        batch = batch.pin_memory().to(device, non_blocking=True)
    with torch.inference_mode():
        features = network.vectors(batch)
        output = network.head(features)
    logits, scores = output if isinstance(output, tuple) else (None, output)
    return CropOutputs(_floats(features), _floats(scores), None if logits is None else _floats(logits))


def _floats(values: torch.Tensor) -> Floats:
    return values.double().cpu().numpy()


def join_outputs(parts: Iterable[CropOutputs]) -> CropOutputs:
    """The outputs for all batches of one image."""
    features, scores, logits = zip(*parts, strict=True)
    classes = None if logits[0] is None else np.concatenate(logits)
    return CropOutputs(np.concatenate(features), np.concatenate(scores), classes)
