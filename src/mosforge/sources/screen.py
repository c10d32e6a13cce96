"""The job `screen`, the leakage guard: finds the images of a source that a target dataset shows, too.

An image is looked up by the words of its keypoints. The few images of the dataset that share most of them
are laid over it and compared pixel by pixel. So the same content is found when it is resized, encoded again,
cropped or mirrored, and other content is not, even of the same place.
"""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from tqdm import tqdm

from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.tables import read_table, write_table
from mosforge.sources.keypoints import Keypoints, Vocabulary, Words, read_keypoints, read_thumbnail
from mosforge.sources.settings import ScreenSettings

log = logging.getLogger(__name__)

_BLOCK = 256  # images whose keypoints are in memory at once
_CANDIDATES = 4  # images of the dataset that an image is compared with
_COMMON = 0.01  # a word in more than this share of the images says nothing ...
_COMMON_AT_LEAST = 64  # ... if they are more than these: a small dataset may show each content so often
_RATIO = 0.8  # the nearest match must be so much nearer than the second nearest (Lowe)
_MATCHES = 8  # fewer keypoints at the right place are chance
_OVERLAP = 0.3, 0.1  # shares of the smaller and of the larger image that must lie over the other
_BLUR = 2.0  # pixels; removes noise and ringing, and makes an enlarged image as blurred as the other

Named = tuple[str, str]
"""The name of an image (of a source: its id) and the path of its file."""

Matrix = npt.NDArray[np.float64]


def screen(
    catalogue: Path, dataset: Path, *, name: str, output: Path, cfg: ScreenSettings, threads: int = 1
) -> None:
    """Finds the images of a source that show the content of an image of a target dataset.

    Args:
        catalogue: of the source, Parquet.
        dataset: table of the target dataset, Parquet.
        name: of the target dataset in the configuration.
        output: a row for each image that was found, Parquet.
        cfg: the correlation from which on two images show the same content.
        threads: files that are read at once.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    rows = read_table(catalogue, CATALOGUE)
    images = list(zip(rows["image_id"], rows["path"], strict=True))
    shown = undistorted_images(read_table(dataset, DATASET))
    found = find_same_content(images, shown, cfg.correlation, threads)
    log.info("%d images, %d of the dataset, %d with the same content", len(images), len(shown), len(found))
    leaks = found.assign(source=rows["source"].iloc[0], dataset=name)
    write_table(output, LEAKS, leaks, stage="sources", cfg=cfg.plain())


def undistorted_images(dataset: pd.DataFrame) -> list[Named]:
    """The reference images of a dataset, and those of its images that have none."""
    references = dataset["reference_path"]
    others = dataset[references.isna()]
    undistorted = {(str(path), str(path)) for path in references.dropna()}
    return sorted(undistorted.union(zip(others["image"], others["path"], strict=True)))


class Match(NamedTuple):
    """An image of a source and the dataset's image with its content; columns of the artefact `leaks`."""

    image_id: str
    image: str
    matches: int
    scale: float
    mirrored: bool
    correlation: float


def find_same_content(
    images: Sequence[Named], shown: Sequence[Named], correlation: float, threads: int = 1
) -> pd.DataFrame:
    """Finds the images that show the content of an image of a dataset.

    Args:
        images: those of a source.
        shown: those of a target dataset.
        correlation: of the pixels of two images, laid over each other; from it on they show the same content.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        A row for each image that was found, with the fields of `Match`, sorted by image id. Of several images
        of the dataset the row names the one with the highest correlation.

    Raises:
        UnreadableImageError: an image is missing or damaged.
    """
    cv2.setNumThreads(1)  # the work is spread over images
    read = map_in_order(_read_entry, sorted(shown), threads)
    index = _Index(list(tqdm(read, total=len(shown), desc="dataset", unit="image", disable=None)))
    ordered = sorted(images)
    found: list[Match] = []
    with tqdm(total=len(ordered), desc="source", unit="image", disable=None) as progress:
        for first in range(0, len(ordered), _BLOCK):
            block = ordered[first : first + _BLOCK]
            read_block = list(map_in_order(lambda named: read_keypoints(named[1]), block, threads))
            ids = (image_id for image_id, _ in block)
            tasks = zip(ids, read_block, index.candidates(read_block), strict=True)
            compared = map_in_order(partial(_compare, correlation=correlation), tasks, threads)
            found += [match for match in compared if match is not None]
            progress.update(len(block))
    return pd.DataFrame(found, columns=Match._fields)


class _Entry(NamedTuple):
    """An image of the dataset, without its pixels, which are read again for a comparison."""

    name: str
    path: str
    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]


def _read_entry(named: Named) -> _Entry:
    keypoints = read_keypoints(named[1])
    return _Entry(*named, keypoints.points, keypoints.descriptors)


class _Index:
    """An inverted index of the dataset's images by their words, as a sparse matrix of words and images."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = entries
        self._vocabulary = Vocabulary(np.concatenate([entry.descriptors for entry in entries]))
        words = self._vocabulary.words([entry.descriptors for entry in entries])
        joined = np.concatenate(words)
        self._words, columns, counts = np.unique(joined, return_inverse=True, return_counts=True)
        weights = np.log1p(len(entries) / counts)  # a rare word says more
        weights[counts > max(_COMMON_AT_LEAST, _COMMON * len(entries))] = 0.0
        lengths = np.repeat([1 / np.sqrt(max(len(own), 1)) for own in words], [len(own) for own in words])
        values = (weights[columns] * lengths).astype(np.float32)
        self._weights = _matrix(words, columns, values, len(self._words)).T.tocsr()

    def candidates(self, images: Sequence[Keypoints]) -> Iterator[list[tuple[_Entry, bool]]]:
        """For each image the entries that share most words with it, and whether it was mirrored for that."""
        mirrored = [image.mirrored() for image in images]
        scores = np.stack([self._scores(images), self._scores(mirrored)], axis=2)
        for row in scores.reshape(len(images), -1):
            best = np.argsort(-row, kind="stable")[:_CANDIDATES]
            yield [(self._entries[i // 2], bool(i % 2)) for i in best if row[i] > 0]

    def _scores(self, images: Sequence[Keypoints]) -> npt.NDArray[np.float32]:
        words = [self._known(own) for own in self._vocabulary.words([image.descriptors for image in images])]
        ones = np.ones(sum(map(len, words)), np.float32)
        present = _matrix(words, np.concatenate(words), ones, len(self._words))
        scores: npt.NDArray[np.float32] = (present @ self._weights).toarray()
        return scores

    def _known(self, words: Words) -> npt.NDArray[np.int64]:
        """The places, in the index, of those words that it has."""
        places = np.searchsorted(self._words, words)
        places[places == len(self._words)] = 0
        return places[self._words[places] == words] if len(self._words) else places[:0]


def _matrix(
    rows: Sequence[Words], columns: npt.NDArray[np.int64], values: npt.NDArray[np.float32], width: int
) -> Any:
    ends = np.cumsum([0, *map(len, rows)])
    return sparse.csr_array((values, columns, ends), shape=(len(rows), width))


def _compare(task: tuple[str, Keypoints, list[tuple[_Entry, bool]]], correlation: float) -> Match | None:
    """The candidate with the highest correlation to an image, if it shows the same content."""
    image_id, image, candidates = task
    best: Match | None = None
    for entry, mirrored in candidates:
        turned = image.mirrored() if mirrored else image
        if (placed := _place(turned, entry)) is None:
            continue
        transform, matches = placed
        agreement = _agreement(turned.thumbnail, read_thumbnail(entry.path), transform)
        if agreement >= correlation and (best is None or agreement > best.correlation):
            scale = float(np.hypot(transform[0, 0], transform[1, 0]))
            best = Match(image_id, entry.name, matches, scale, mirrored, agreement)
    return best


def _place(image: Keypoints, entry: _Entry) -> tuple[Matrix, int] | None:
    """The similarity transform that lays an image over an entry, and the number of keypoints that agree."""
    if min(len(image.points), len(entry.points)) < 2:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(image.descriptors, entry.descriptors, k=2)
    good = [first for first, second in pairs if first.distance < _RATIO * second.distance]
    if len(good) < _MATCHES:
        return None
    here = image.points[[match.queryIdx for match in good]]
    there = entry.points[[match.trainIdx for match in good]]
    # OpenCV starts the generator of RANSAC's samples anew in each call
    transform, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3.0)
    if transform is None or inliers.sum() < _MATCHES:
        return None
    return transform, int(inliers.sum())


def _agreement(one: Any, other: Any, transform: Matrix) -> float:
    """Correlation of the pixels where two images lie over each other; 0 if they hardly do."""
    height, width = other.shape
    laid = cv2.warpAffine(np.ascontiguousarray(one), transform, (width, height))
    covered = cv2.warpAffine(np.full(one.shape, 255, np.uint8), transform, (width, height)) == 255
    areas = sorted((one.size * abs(np.linalg.det(transform[:, :2])), other.size))
    if any(covered.sum() < share * area for share, area in zip(_OVERLAP, areas, strict=True)):
        return 0.0
    first, second = (cv2.GaussianBlur(pixels, (0, 0), _BLUR)[covered] for pixels in (laid, other))
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
