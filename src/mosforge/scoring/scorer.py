"""`Scorer`: a trained model that gives pictures their scores.

from mosforge import Scorer

scorer = Scorer("results/finetuning/demo/1/efficientnet_lite0/synthetic-multitask")
print(scorer.score("picture.jpg").quality)
for score in scorer.score_many(["a.jpg", "b.png"]):
    print(score)  # a `Score`, or the `UnreadableImageError` of a bad file
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.images import Pixels, at_least, read_rgb, to_rgb
from mosforge.models.backbones import card_of
from mosforge.models.classes import class_chances, knows_classes
from mosforge.models.crops import Boxes, Floats, Said, ask, batches_of, cut, draw_boxes, joined
from mosforge.models.folder import load_model
from mosforge.scoring.threads import start_pool, usable_cores
from mosforge.training.recipe import pick_device

Picture = str | os.PathLike[str] | Image.Image | Pixels
"""A file, an image of Pillow's, or a uint8 RGB array (height, width, 3)."""

LARGEST_WHOLE = 25_000_000
"""Most pixels of a picture that goes through a network in one piece: about 2 GB of features."""

_MOST_DISTORTIONS = 3


@dataclass(frozen=True)
class Score:
    """The score of one picture.

    Attributes:
        quality: in [0, 1], higher is better; the mean over the crops, cut off at the ends.
        score: the same on the scale and in the direction of the dataset that the model learned from.
        spread: standard deviation of the quality over the crops; 0 where there is only one.
        distortions: the likeliest distortion classes and their probabilities, likeliest first; none
            where the model was not trained to tell them.
    """

    quality: float
    score: float
    spread: float
    distortions: dict[str, float] | None


@dataclass(frozen=True)
class CropScores:
    """A picture, its score, and the crops that it was made of.

    Attributes:
        pixels: uint8 RGB, shape (height, width, 3); at least as large as a crop (see `images.at_least`).
        boxes: top and left of each crop, shape (n, 2).
        size: side of a crop in pixels.
        qualities: of each crop, shape (n,); not cut off.
        score: of the picture.
    """

    pixels: Pixels
    boxes: Boxes
    size: int
    qualities: Floats
    score: Score


@dataclass(frozen=True)
class _Begun:
    """A picture that was read, and the batches of it that are on their way through the network."""

    pixels: Pixels
    boxes: Boxes
    batches: "list[Future[Said]]"

    def said(self) -> Said:
        return joined(batch.result() for batch in self.batches)


class Scorer:
    """Scores pictures; the same picture gets the same score on every call.

    A score depends on nothing but the picture's pixels and the model: neither on the pictures before,
    beside or after it, nor (on one kind of processor) on the number of threads. On CUDA the backbone
    computes in bfloat16, and scores differ from the CPU's in the third decimal.

    Args:
        folder: a trained model (fine-tuned or pretrained).
        crops: random crops a picture, drawn from a digest of its pixels; the model card's number by
            default. 0: the whole picture in one pass, which is quicker, but gives other scores than the
            crops that the model was trained and evaluated on.
        device: `auto`, `cpu` or `cuda`.
        threads: threads that read pictures and, on the CPU, compute; all usable cores by default.

    Raises:
        MosforgeError: not a model folder, or a damaged one, or an option that cannot be had.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        crops: int | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        network, self.card = load_model(folder)
        self._device = pick_device(device)
        self._network = network.to(self._device)
        self._crops = int(self.card["test_crops"]) if crops is None else crops
        self._size = int(self.card["crop"])
        if self._crops < 0:
            raise MosforgeError(f"crops: {self._crops} is neither a number of crops nor 0, the whole picture")
        if self._crops == 0 and card_of(self.card["backbone"]).fixed_size:
            raise MosforgeError(f"crops: 0: {self.card['backbone']} takes no whole pictures; use crops")
        self._threads = usable_cores() if threads is None else threads
        if self._threads < 1:
            raise MosforgeError(f"threads: {self._threads} is not a positive number")
        self._pool = start_pool(self._threads)

    def score(self, picture: Picture) -> Score:
        """Scores one picture.

        Raises:
            UnreadableImageError: the picture cannot be decoded.
            MosforgeError: the array is not an 8-bit RGB picture.
        """
        return self._score(self._begin(_loaded(picture)).said())

    def score_many(self, pictures: Iterable[Picture]) -> Iterator[Score | UnreadableImageError]:
        """Scores pictures in their order, on all threads, reading ahead of the network.

        Yields:
            For each picture its score, or the error that `score` would raise for a file that cannot be
            decoded; the rest goes on.

        Raises:
            MosforgeError: an array is not an 8-bit RGB picture.
        """
        waiting: deque[Future[_Begun]] = deque()
        try:
            for picture in pictures:
                waiting.append(self._pool.submit(self._begin, _loaded(picture)))
                if len(waiting) > self._threads + 1:
                    yield self._end(waiting.popleft())
            while waiting:
                yield self._end(waiting.popleft())
        finally:
            _give_up(waiting)

    def crop_scores(self, picture: Picture) -> CropScores:
        """Scores one picture, and keeps what each of its crops got. Raises what `score` does."""
        if self._crops == 0:
            raise MosforgeError("crops: 0 is the whole picture in one pass, which has no crops to tell of")
        begun = self._begin(_loaded(picture))
        said = begun.said()
        return CropScores(begun.pixels, begun.boxes, self._size, said[0], self._score(said))

    def _begin(self, picture: str | os.PathLike[str] | Pixels | UnreadableImageError) -> _Begun:
        """Reads a picture, and sends it to the pool in batches of its own."""
        if isinstance(picture, UnreadableImageError):
            raise picture
        pixels = picture if isinstance(picture, np.ndarray) else read_rgb(picture)
        larger = at_least(pixels, self._size)
        if self._crops == 0:
            if larger.shape[0] * larger.shape[1] > LARGEST_WHOLE:
                reason = f"more than {LARGEST_WHOLE:,} pixels do not go through in one piece; use crops"
                raise UnreadableImageError(_name(picture), reason)
            return _Begun(larger, np.zeros((1, 2), np.int64), [self._ask(np.stack([larger]))])
        boxes = draw_boxes(pixels, self._size, self._crops, digest_of(pixels))
        parts = batches_of(boxes, self._device)
        return _Begun(larger, boxes, [self._ask(cut(larger, part, self._size)) for part in parts])

    def _ask(self, crops: Pixels) -> "Future[Said]":
        return self._pool.submit(ask, self._network, crops, self._device)

    def _end(self, begun: "Future[_Begun]") -> Score | UnreadableImageError:
        try:
            return self._score(begun.result().said())
        except UnreadableImageError as error:
            return error

    def _score(self, said: Said) -> Score:
        scores, logits = said
        quality = float(np.clip(scores.mean(), 0.0, 1.0))
        lowest, highest = self.card["range"]
        position = quality if self.card["higher_is_better"] else 1.0 - quality
        return Score(
            quality=quality,
            score=lowest + position * (highest - lowest),
            spread=float(scores.std()),
            distortions=None if logits is None or not knows_classes(self.card) else self._distortions(logits),
        )

    def _distortions(self, logits: Floats) -> dict[str, float]:
        chances = class_chances(logits, self.card).mean(axis=0)
        likeliest = np.argsort(-chances, kind="stable")[:_MOST_DISTORTIONS]
        return {self.card["classes"][i]: float(chances[i]) for i in likeliest}


def digest_of(pixels: Pixels) -> str:
    """The digest of a picture's size and samples that its crops are drawn from."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _loaded(picture: Picture) -> str | os.PathLike[str] | Pixels | UnreadableImageError:
    """A path as it is; an image or an array as a copy that its owner can no longer change."""
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
            raise MosforgeError(
                f"an array of {picture.dtype} with shape {picture.shape} is not a picture: "
                "uint8 RGB (height, width, 3) is"
            )
        return np.array(picture, order="C")
    if isinstance(picture, Image.Image):
        try:
            return to_rgb(picture)
        except UnreadableImageError as error:
            return error
    return picture


def _name(picture: str | os.PathLike[str] | Pixels) -> str:
    return "the picture" if isinstance(picture, np.ndarray) else os.fspath(picture)


def _give_up(waiting: "Iterable[Future[_Begun]]") -> None:
    """Takes back what nobody waits for any more."""
    for picture in waiting:
        if not picture.cancel() and picture.exception() is None:
            for batch in picture.result().batches:
                batch.cancel()
