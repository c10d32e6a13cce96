"""Local features of a picture (SIFT: Lowe, IJCV 60(2), 2004), and words that stand for them.

A feature describes a spot of a picture whatever the picture's size. Resizing, encoding and cropping
leave most of the spots as they are, so two files that show the same picture share many of them.
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
"""Longer side, in pixels, that pictures are scaled to before their features are sought."""
_CELLS = 4  # rows and columns of the grid that features are spread over, or a crop of sky would have none
_PER_CELL = 20
_CONTRAST = 0.02  # half of Lowe's limit, for the same reason

_BITS, _TABLES = 20, 2
_TOGETHER = 256  # pictures whose words are sought at once
# SIFT's 4 rows x 4 columns x 8 directions, as a picture turned left to right has them
_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1, :, -np.arange(8) % 8].reshape(-1)

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """What is known of one picture.

    Attributes:
        thumbnail: the picture in grey, uint8 (height, width), its longer side `SIDE`.
        points: places of the features in it, x and y in pixels, float32 (n, 2).
        descriptors: what each spot looks like, uint8 (n, 128).
    """

    thumbnail: Pixels
    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]

    def mirrored(self) -> "Features":
        """The features of the picture turned left to right, without seeking them again."""
        points = self.points.copy()
        points[:, 0] = self.thumbnail.shape[1] - 1 - points[:, 0]
        return Features(self.thumbnail[:, ::-1], points, self.descriptors[:, _MIRRORED])


def read_features(path: str) -> Features:
    """Reads a picture and describes up to 320 of its spots.

    Raises:
        UnreadableImageError: see `images.to_rgb`.
    """
    thumbnail = read_thumbnail(path)
    seeker = cv2.SIFT.create(0, 3, _CONTRAST, 10.0, 1.6, cv2.CV_8U)
    spots = _spread(seeker.detect(thumbnail, None), *thumbnail.shape)
    # of a strip a few pixels wide OpenCV throws, where there is no spot to describe
    described, descriptors = seeker.compute(thumbnail, spots) if spots else ((), np.empty(0, np.uint8))
    if not described:
        return Features(thumbnail, np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8))
    return Features(thumbnail, np.array([spot.pt for spot in described], np.float32), descriptors)


def read_thumbnail(path: str) -> Pixels:
    """A picture in grey, uint8 (height, width), its longer side `SIDE` pixels."""
    with open_image(path) as image:
        image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than needed
        grey = Image.fromarray(to_rgb(image, path)).convert("L")
    scale = SIDE / max(grey.size)
    size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR))


def _spread(spots: Any, height: int, width: int) -> list[Any]:
    """The strongest spots of each cell of a grid."""
    if not spots:
        return []
    places = np.array([spot.pt for spot in spots])
    rows, columns = (places[:, ::-1] * _CELLS / (height, width)).astype(int).T
    cell = rows * _CELLS + columns
    order = np.lexsort((places[:, 1], places[:, 0], [-spot.response for spot in spots], cell))
    rank = np.arange(len(order)) - np.searchsorted(cell[order], cell[order])
    return [spots[i] for i in order[rank < _PER_CELL]]


class Vocabulary:
    """Maps descriptors to words: those of the same spot in two files often have the same word.

    A word is the signs of random projections of the descriptor's difference from the mean one. All
    numbers are integers that float32 holds exactly, so neither threads nor machine change a word.

    Args:
        descriptors: of many pictures, uint8 (n, 128), for their mean.
    """

    def __init__(self, descriptors: npt.NDArray[np.uint8]) -> None:
        self._mean = np.round(descriptors.mean(axis=0)).astype(np.float32) if len(descriptors) else 0.0
        signs = np.repeat(np.array([-1, 1], np.float32), 64)
        draw = seeds.generator("words of features")
        self._projections = np.stack([draw.permutation(signs) for _ in range(_BITS * _TABLES)], axis=1)

    def words(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Words]:
        """The different words of each picture's descriptors, sorted.

        One product for many pictures: after each the library's threads wait busily for the next one, which
        for small products costs ten times the product itself.
        """
        found = []
        for first in range(0, len(pictures), _TOGETHER):
            block = pictures[first : first + _TOGETHER]
            bits = (np.concatenate(block).astype(np.float32) - self._mean) @ self._projections > 0
            values = bits.reshape(len(bits), _TABLES, _BITS) @ (1 << np.arange(_BITS, dtype=np.int64))
            values += np.arange(_TABLES, dtype=np.int64) << _BITS
            ends = np.cumsum([len(descriptors) for descriptors in block])
            found += [np.unique(own) for own in np.split(values, ends[:-1])]
        return found
