"""Which images share most words with an image: an inverted index, so that few pairs need be compared."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mosforge.content.keypoints import Keypoints, Vocabulary, Words

_COMMON = 0.01  # a word in more than this share of the images says hardly anything ...
_COMMON_AT_LEAST = 64  # ... if they are more than these: a small dataset may show each content so often
_OF_COMMON = 1e-4  # its weight: only of images that share no rarer words it says which are compared


class Candidate(NamedTuple):
    """An image of the index that may show the same content as another image."""

    place: int  # of the image in the index
    mirrored: bool  # whether the other image is to be mirrored


class Index:
    """An inverted index of images by their words, as a sparse matrix of words and images.

    Args:
        descriptors: of the keypoints of each image, uint8 (n, 128).
    """

    def __init__(self, descriptors: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._vocabulary = Vocabulary(np.concatenate(descriptors))
        words = self._vocabulary.words(descriptors)
        joined = np.concatenate(words)
        self._words, columns, counts = np.unique(joined, return_inverse=True, return_counts=True)
        weights = np.log1p(len(descriptors) / counts)  # a rare word says more
        weights[counts > max(_COMMON_AT_LEAST, _COMMON * len(descriptors))] *= _OF_COMMON
        lengths = np.repeat([1 / np.sqrt(max(len(own), 1)) for own in words], [len(own) for own in words])
        values = (weights[columns] * lengths).astype(np.float32)
        self._weights = _matrix(words, columns, values, len(self._words)).T.tocsr()

    def candidates(
        self, images: Sequence[Keypoints], count: int, left_out: npt.NDArray[np.bool_] | None = None
    ) -> list[list[Candidate]]:
        """For each image up to `count` of those that share most words with it.

        Args:
            images: which are looked up.
            count: the most candidates of an image.
            left_out: for each image those of the index that are no candidates, (images, images of the index).
        """
        mirrored = [image.mirrored() for image in images]
        scores = np.stack([self._scores(images), self._scores(mirrored)], axis=2)
        if left_out is not None:
            scores[left_out] = 0.0
        found = []
        for row in scores.reshape(len(images), -1):
            best = np.argsort(-row, kind="stable")[:count]
            found.append([Candidate(int(i // 2), bool(i % 2)) for i in best if row[i] > 0])
        return found

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
