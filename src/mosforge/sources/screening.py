"""The leakage guard: which photographs of a source show the same picture as a target dataset.

A photograph is looked up by the words of its features; the few pictures that share most of them are
laid over it and compared pixel by pixel. So the same picture resized, re-encoded, cropped or turned left
to right is found, and another picture, were it of the same place, is not.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from tqdm import tqdm

from mosforge.core.parallel import map_in_order
from mosforge.sources.features import Features, Vocabulary, Words, read_features, read_thumbnail

_log = logging.getLogger(__name__)

_BLOCK = 256  # photographs whose features are held at once
_CANDIDATES = 4  # pictures that a photograph is compared with
_COMMON = 0.01  # a word in more than this share of the pictures tells nothing ...
_COMMON_AT_LEAST = 64  # ... if those are so many: a small dataset may show each content so often
_RATIO = 0.8  # a match must be so much nearer than the second (Lowe)
_MATCHES = 8  # fewer spots at the right place are chance
_OVERLAP = 0.3, 0.1  # shares of the smaller and of the larger picture that must lie over the other
_BLUR = 2.0  # pixels; takes off noise, ringing and what enlarging left unsharp

Named = tuple[str, str]
"""The name of a picture (the image id of a photograph) and the path of its file."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """A photograph and the picture that it shows; columns of the artefact `leaks`."""

    image_id: str
    image: str
    matches: int
    scale: float
    mirrored: bool
    correlation: float


@dataclass(frozen=True)
class _Picture:
    """A picture of the dataset, without its pixels, which are read again where they are wanted."""

    name: str
    path: str
    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]


def pictures_of(dataset: pd.DataFrame) -> list[Named]:
    """What a dataset shows: the undistorted pictures, and those pictures that name none."""
    references = dataset["reference_path"]
    alone = dataset[references.isna()]
    undistorted = {(str(path), str(path)) for path in references.dropna()}
    return sorted(undistorted.union(zip(alone["image"], alone["path"], strict=True)))


def screen(
    photographs: Sequence[Named], pictures: Sequence[Named], correlation: float, threads: int = 1
) -> pd.DataFrame:
    """Finds the photographs that show one of the pictures.

    Args:
        photographs: those of a source.
        pictures: those of a target dataset.
        correlation: of the pixels of both, laid over each other; from it on they are the same picture.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        A row for each leaked photograph with the fields of `Match`, sorted by image id: the picture
        that it agrees with most.

    Raises:
        UnreadableImageError: a picture is missing or damaged.
    """
    cv2.setNumThreads(1)  # the work is spread over pictures
    read = map_in_order(_read, sorted(pictures), threads)
    index = _Index(list(tqdm(read, total=len(pictures), desc="dataset", unit="picture", disable=None)))
    ordered = sorted(photographs)
    found: list[Match] = []
    with tqdm(total=len(ordered), desc="photographs", unit="picture", disable=None) as progress:
        for first in range(0, len(photographs), _BLOCK):
            block = ordered[first : first + _BLOCK]
            looks = list(map_in_order(lambda named: read_features(named[1]), block, threads))
            tasks = zip((image_id for image_id, _ in block), looks, index.candidates(looks), strict=True)
            compared = map_in_order(partial(_compare, correlation=correlation), tasks, threads)
            found += [match for match in compared if match is not None]
            progress.update(len(block))
    _log.info("%d photographs, %d pictures, %d the same", len(photographs), len(pictures), len(found))
    columns = list(Match.__dataclass_fields__)
    return pd.DataFrame([vars(match) for match in found], columns=columns)


def _read(named: Named) -> _Picture:
    features = read_features(named[1])
    return _Picture(*named, features.points, features.descriptors)


class _Index:
    """Which pictures hold a word: an inverted index, as a sparse matrix of words and pictures."""

    def __init__(self, pictures: list[_Picture]) -> None:
        self._pictures = pictures
        self._vocabulary = Vocabulary(np.concatenate([picture.descriptors for picture in pictures]))
        words = self._vocabulary.words([picture.descriptors for picture in pictures])
        self._words, columns, counts = np.unique(
            np.concatenate(words), return_inverse=True, return_counts=True
        )
        weights = np.log1p(len(pictures) / counts)  # a rare word tells more
        weights[counts > max(_COMMON_AT_LEAST, _COMMON * len(pictures))] = 0.0
        lengths = np.repeat([1 / np.sqrt(max(len(own), 1)) for own in words], [len(own) for own in words])
        values = (weights[columns] * lengths).astype(np.float32)
        self._held = _matrix(words, columns, values, len(self._words)).T.tocsr()

    def candidates(self, looks: Sequence[Features]) -> Iterator[list[tuple[_Picture, bool]]]:
        """For each photograph the pictures that share most words with it, and whether mirrored."""
        turned = [look.mirrored() for look in looks]
        scores = np.stack([self._scores(one) for one in (looks, turned)], axis=2).reshape(len(looks), -1)
        for row in scores:
            best = np.argsort(-row, kind="stable")[:_CANDIDATES]
            yield [(self._pictures[i // 2], bool(i % 2)) for i in best if row[i] > 0]

    def _scores(self, looks: Sequence[Features]) -> npt.NDArray[np.float32]:
        words = [self._known(own) for own in self._vocabulary.words([look.descriptors for look in looks])]
        ones = np.ones(sum(map(len, words)), np.float32)
        asked = _matrix(words, np.concatenate(words), ones, len(self._words))
        scores: npt.NDArray[np.float32] = (asked @ self._held).toarray()
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


def _compare(task: tuple[str, Features, list[tuple[_Picture, bool]]], correlation: float) -> Match | None:
    """The candidate that a photograph agrees with most, if it is the same picture."""
    image_id, look, candidates = task
    best: Match | None = None
    for picture, mirrored in candidates:
        seen = look.mirrored() if mirrored else look
        placed = _place(seen, picture)
        if placed is None:
            continue
        transform, matches = placed
        agreement = _agreement(seen.thumbnail, read_thumbnail(picture.path), transform)
        if agreement >= correlation and (best is None or agreement > best.correlation):
            scale = float(np.hypot(transform[0, 0], transform[1, 0]))
            best = Match(image_id, picture.name, matches, scale, mirrored, agreement)
    return best


def _place(look: Features, picture: _Picture) -> tuple[Matrix, int] | None:
    """The similarity that lays a photograph over a picture, and the number of spots that agree on it."""
    if min(len(look.points), len(picture.points)) < 2:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(look.descriptors, picture.descriptors, k=2)
    good = [first for first, second in pairs if first.distance < _RATIO * second.distance]
    if len(good) < _MATCHES:
        return None
    here = look.points[[match.queryIdx for match in good]]
    there = picture.points[[match.trainIdx for match in good]]
    # OpenCV draws RANSAC's samples from a generator that it starts anew in each call
    transform, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3.0)
    if transform is None or inliers.sum() < _MATCHES:
        return None
    return transform, int(inliers.sum())


def _agreement(photograph: Any, picture: Any, transform: Matrix) -> float:
    """Correlation of the pixels where the two pictures lie over each other; 0 where they hardly do."""
    height, width = picture.shape
    laid = cv2.warpAffine(np.ascontiguousarray(photograph), transform, (width, height))
    covered = cv2.warpAffine(np.full(photograph.shape, 255, np.uint8), transform, (width, height)) == 255
    areas = sorted((photograph.size * abs(np.linalg.det(transform[:, :2])), picture.size))
    if any(covered.sum() < share * area for share, area in zip(_OVERLAP, areas, strict=True)):
        return 0.0
    one, other = (cv2.GaussianBlur(pixels, (0, 0), _BLUR)[covered] for pixels in (laid, picture))
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
