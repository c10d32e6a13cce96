"""Keypoints of an image (SIFT: Lowe, IJCV 60(2), 2004), and words that stand for their descriptors.

A descriptor says what the image looks like at a keypoint, at any size of the image. Resizing, encoding and
cropping leave most of the keypoints as they are, so two files with the same content share many of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from mosforge.core import seeds
from mosforge.core.images import Pixels, open_image, to_rgb

SIDE = 320
"""Longer side, in pixels, that images are scaled to by default before keypoints are detected."""
_CELLS = 4  # rows and columns of a grid that keypoints are spread over, or a crop of sky would have none
_PER_CELL = 20
_CONTRAST = 0.02  # half of Lowe's limit, for the same reason

_BITS, _TABLES = 20, 2
_TOGETHER = 256  # images whose words are computed at once
# the places of SIFT's 4 rows x 4 columns x 8 directions in a mirrored image
_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1, :, -np.arange(8) % 8].reshape(-1)

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Keypoints:
    """The keypoints of an image."""

    thumbnail: Pixels  # the image in grey, uint8 (height, width), its longer side `side`
    points: npt.NDArray[np.float32]  # places of the keypoints in it, x and y in pixels, (n, 2)
    descriptors: npt.NDArray[np.uint8]  # of each keypoint, (n, 128)

    def mirrored(self) -> "Keypoints":
        """The keypoints of the image mirrored left to right, without a second detection."""
        points = self.points.copy()
        points[:, 0] = self.thumbnail.shape[1] - 1 - points[:, 0]
        return Keypoints(self.thumbnail[:, ::-1], points, self.descriptors[:, _MIRRORED])


def read_keypoints(path: str, side: int = SIDE) -> Keypoints:
    """Reads an image and describes up to 320 keypoints.

    Args:
        path: of the image.
        side: longer side of the thumbnail in which they are detected, in pixels.

    Raises:
        UnreadableImageError: see `images.to_rgb`.
    """
    thumbnail = read_thumbnail(path, side)
    detector = cv2.SIFT.create(0, 3, _CONTRAST, 10.0, 1.6, cv2.CV_8U)
    found = _spread(detector.detect(thumbnail, None), *thumbnail.shape)
    # without a keypoint, as in a strip a few pixels wide, OpenCV may throw
    described, descriptors = detector.compute(thumbnail, found) if found else ((), np.empty(0, np.uint8))
    if not described:
        return Keypoints(thumbnail, np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8))
    return Keypoints(thumbnail, np.array([point.pt for point in described], np.float32), descriptors)


def read_thumbnail(path: str, side: int = SIDE) -> Pixels:
    """An image in grey, uint8 (height, width), its longer side `side` pixels."""
    with open_image(path) as image:
        image.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded no larger than needed
        grey = Image.fromarray(to_rgb(image, path)).convert("L")
    scale = side / max(grey.size)
    size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR))


def _spread(points: Any, height: int, width: int) -> list[Any]:
    """The strongest keypoints in each cell of a grid."""
    if not points:
        return []
    places = np.array([point.pt for point in points])
    rows, columns = (places[:, ::-1] * _CELLS / (height, width)).astype(int).T
    cell = rows * _CELLS + columns
    order = np.lexsort((places[:, 1], places[:, 0], [-point.response for point in points], cell))
    rank = np.arange(len(order)) - np.searchsorted(cell[order], cell[order])
    return [points[i] for i in order[rank < _PER_CELL]]


class Vocabulary:
    """Maps descriptors to words: descriptors of the same spot in two files often have the same word.

    The bits of a word are the signs of random projections of the descriptor's difference from the mean
    descriptor. All numbers are integers that float32 holds exactly, so neither threads nor machine change a
    word.

    Args:
        descriptors: of many images, uint8 (n, 128), for their mean.
    """

    def __init__(self, descriptors: npt.NDArray[np.uint8]) -> None:
        self._mean = np.round(descriptors.mean(axis=0)).astype(np.float32) if len(descriptors) else 0.0
        signs = np.repeat(np.array([-1, 1], np.float32), 64)
        draw = seeds.generator("words of features")
        self._projections = np.stack([draw.permutation(signs) for _ in range(_BITS * _TABLES)], axis=1)

    def words(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Words]:
        """The different words of each image's descriptors, sorted.

        One product is computed for many images: after each the library's threads wait busily for the next
        one, which for small products takes ten times as long as the product itself.
        """
        found = []
        for first in range(0, len(images), _TOGETHER):
            block = images[first : first + _TOGETHER]
            bits = (np.concatenate(block).astype(np.float32) - self._mean) @ self._projections > 0
            values = bits.reshape(len(bits), _TABLES, _BITS) @ (1 << np.arange(_BITS, dtype=np.int64))
            values += np.arange(_TABLES, dtype=np.int64) << _BITS
            ends = np.cumsum([len(descriptors) for descriptors in block])
            found += [np.unique(own) for own in np.split(values, ends[:-1])]
        return found
