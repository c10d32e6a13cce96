"""`Scorer`: a trained model that scores images.

from mosforge import Scorer

scorer = Scorer()  # the built-in model; Scorer("results/finetuning/...") is one of your own
print(scorer.score("image.jpg").quality)
for score in scorer.score_many(["a.jpg", "b.png"]):
    print(score)  # a `Score`, or the `UnreadableImageError` of a bad file
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.images import Pixels, at_least, check_pixels, prepared, read_rgb, to_rgb
from mosforge.core.parallel import available_threads, check_threads, keep_ahead
from mosforge.core.values import TestCrops, is_whole
from mosforge.models.backbones import find_backbone
from mosforge.models.card import Card, knows_classes
from mosforge.models.crops import (
    Boxes,
    CropOutputs,
    Floats,
    cut_crops,
    draw_boxes,
    grid_view,
    join_outputs,
    run_network,
    split_into_batches,
)
from mosforge.models.devices import pick_device
from mosforge.models.folder import check_scores, load_model, network_of
from mosforge.models.threads import start_threads
from mosforge.scoring.built_in import built_in

AnyImage = str | os.PathLike[str] | Image.Image | Pixels
"""A file, an image of Pillow's, or a uint8 RGB array (height, width, 3)."""

Result = TypeVar("Result")

LARGEST_WHOLE = 25_000_000
"""Largest number of pixels of an image that is scored in one pass: about 2 GB of features."""

MOST_CROPS = 1000
"""Most crops of an image: 200 MB, and far more than change a score."""

_TOP_DISTORTIONS = 3


@dataclass(frozen=True)
class Score:
    """The score of one image.

    Attributes:
        quality: in [0, 1], higher is better; the mean over the crops, clipped.
        score: the quality on the scale of the training dataset, where a lower score may be the better one.
        spread: standard deviation of the quality over the crops; 0 where there is only one.
        raw: the mean over the crops before it was clipped. Far outside [0, 1] the model does not know what to
            make of the image.
        distortions: the three likeliest distortion classes and their probabilities, likeliest first; None
            where the model was not trained on them.
    """

    quality: float
    score: float
    spread: float
    raw: float
    distortions: dict[str, float] | None


@dataclass(frozen=True)
class CropScores:
    """An image, its score, and the crops that the score is averaged over.

    Attributes:
        pixels: uint8 RGB, shape (height, width, 3): the image as the network sees it, at least as large as a
            crop (see `images.at_least`).
        boxes: top, left and side of each crop, shape (n, 3).
        size: side of a crop as the network sees it, in pixels.
        qualities: of each crop, shape (n,); not clipped.
        score: of the image.
    """

    pixels: Pixels
    boxes: Boxes
    size: int
    qualities: Floats
    score: Score


@dataclass(frozen=True)
class _PendingImage:
    """An image that was read, and its batches that are on their way through the network."""

    pixels: Pixels
    boxes: Boxes
    batches: "list[Future[CropOutputs]]"

    def outputs(self) -> CropOutputs:
        return join_outputs(batch.result() for batch in self.batches)


class Scorer:
    """Scores images; the same image gets the same score on every call.

    A score depends only on the image's pixels and the model: neither on the images before, beside or after
    it, nor (on one kind of processor) on the number of threads. On CUDA the backbone computes in bfloat16,
    and scores may differ from the CPU's in the third decimal. A scorer works in processes that are forked or
    spawned, and can be pickled, weights and all; one on CUDA does not outlive a fork, as torch does not.

    Args:
        folder: a trained model (fine-tuned or pretrained); by default the one that comes with mosforge.
        crops: random crops of each image at its own size, drawn from a digest of its pixels. By default the
            crops in the model's card: a grid of five crops around the centre, and the largest square, shrunk
            (`models.crops.grid_view`). 0: the whole image in one pass. Both give other scores than the crops
            that the model was trained and evaluated on.
        device: `auto`, `cpu` or `cuda`.
        threads: threads that read images and, on the CPU, compute; by default one per processor core.

    Raises:
        MosforgeError: the folder is not a model or is damaged, its model was never trained to score, or an
            option is invalid.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        crops: int | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        folder = built_in() if folder is None else folder
        network, self.card = load_model(folder)
        check_scores(folder, self.card)
        self._device = pick_device(device)
        self._network = network.to(self._device)
        self._crops: TestCrops = self.card["test_crops"] if crops is None else crops
        self._size = int(self.card["crop"])
        if crops is not None and not (is_whole(crops) and 0 <= crops <= MOST_CROPS):
            raise MosforgeError(
                f"crops: {crops!r} is neither a number of crops up to {MOST_CROPS} nor 0, the whole image"
            )
        if self._crops == 0 and find_backbone(self.card["backbone"]).fixed_size:
            raise MosforgeError(f"crops: 0: {self.card['backbone']} takes no whole images; use crops")
        self._threads = available_threads() if threads is None else threads
        check_threads(self._threads)
        self._start()

    def _start(self) -> None:
        self._pool = start_threads(self._threads)
        self._process = os.getpid()  # last: another thread that reads it takes the pool as its own

    def __getstate__(self) -> dict[str, Any]:
        """What a scorer is made of, without its network and threads, which cannot be pickled."""
        weights = {name: value.cpu() for name, value in self._network.state_dict().items()}
        left_out = ("_network", "_pool", "_process")
        return {name: value for name, value in vars(self).items() if name not in left_out} | {
            "weights": weights
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Makes the network and the threads anew."""
        weights = state.pop("weights")
        vars(self).update(state)
        network = network_of(self.card)
        network.load_state_dict(weights)
        self._network = network.eval().to(self._device)
        self._start()

    def _submit(self, work: Callable[..., Result], *words: Any) -> "Future[Result]":
        """Gives work to the threads; threads do not outlive a fork, so a new process starts its own."""
        if self._process != os.getpid():
            if self._device.type == "cuda":
                raise MosforgeError(
                    "a Scorer on CUDA cannot be used in a forked process; make it there, or spawn the process"
                )
            self._start()
        return self._pool.submit(work, *words)

    def score(self, image: AnyImage) -> Score:
        """Scores one image.

        Raises:
            UnreadableImageError: the image cannot be decoded.
            MosforgeError: the array is not an 8-bit RGB image.
        """
        return self._score(self._begin(_loaded(image)).outputs())

    def score_many(self, images: Iterable[AnyImage]) -> Iterator[Score | UnreadableImageError]:
        """Scores images in their order, on all threads, reading ahead of the network.

        Yields:
            For each image its score, or the error that `score` would raise for a file that cannot be
            decoded; the images after it are scored all the same.

        Raises:
            MosforgeError: an array is not an 8-bit RGB image.
        """
        begun = (self._submit(self._begin, _loaded(image)) for image in images)
        for image in keep_ahead(begun, self._threads + 1, drop=_cancel):
            yield self._end(image)

    def crop_scores(self, image: AnyImage) -> CropScores:
        """Scores one image, and keeps the score of each of its crops. Raises the errors of `score`."""
        if self._crops == 0:
            raise MosforgeError("crops: 0 is the whole image in one pass, which has no scores of crops")
        begun = self._begin(_loaded(image))
        outputs = begun.outputs()
        return CropScores(begun.pixels, begun.boxes, self._size, outputs.scores, self._score(outputs))

    def _begin(self, image: str | os.PathLike[str] | Pixels | UnreadableImageError) -> _PendingImage:
        """Reads an image, and sends its batches to the pool."""
        if isinstance(image, UnreadableImageError):
            raise image
        pixels = image if isinstance(image, np.ndarray) else read_rgb(image)
        if isinstance(self._crops, str):
            pixels, boxes = grid_view(pixels, self._size, self.card.get("view_side"))
        elif self._crops > 0:
            boxes = draw_boxes(pixels, self._size, self._crops, pixels_digest(pixels))
        larger = at_least(pixels, self._size)
        if self._crops == 0:
            if larger.shape[0] * larger.shape[1] > LARGEST_WHOLE:
                reason = f"more than {LARGEST_WHOLE:,} pixels do not go through in one piece; use crops"
                raise UnreadableImageError(_name(image), reason)
            return _PendingImage(larger, np.zeros((1, 3), np.int64), [self._compute(np.stack([larger]))])
        parts = split_into_batches(boxes, self._device)
        batches = [self._compute(cut_crops(larger, part, self._size)) for part in parts]
        return _PendingImage(larger, boxes, batches)

    def _compute(self, crops: Pixels) -> "Future[CropOutputs]":
        return self._submit(run_network, self._network, crops, self._device)

    def _end(self, begun: "Future[_PendingImage]") -> Score | UnreadableImageError:
        try:
            return self._score(begun.result().outputs())
        except UnreadableImageError as error:
            return error

    def _score(self, outputs: CropOutputs) -> Score:
        raw = float(outputs.scores.mean())
        if not np.isfinite(raw):
            raise MosforgeError("the model's output is not a number; its training has failed, train it again")
        quality = min(max(raw, 0.0), 1.0)
        lowest, highest = self.card["range"]
        position = quality if self.card["higher_is_better"] else 1.0 - quality
        return Score(
            quality=quality,
            score=lowest + position * (highest - lowest),
            spread=float(outputs.scores.std()),
            raw=raw,
            distortions=self._distortions(outputs.logits),
        )

    def _distortions(self, logits: Floats | None) -> dict[str, float] | None:
        if logits is None or not knows_classes(self.card):
            return None
        probabilities = class_probabilities(logits, self.card).mean(axis=0)
        likeliest = np.argsort(-probabilities, kind="stable")[:_TOP_DISTORTIONS]
        return {self.card["classes"][i]: float(probabilities[i]) for i in likeliest}


def class_probabilities(logits: Floats, card: Card) -> Floats:
    """Probabilities of the classes in the model's card, in [0, 1].

    Args:
        logits: shape (n, classes).
        card: its `label_kind` is the kind of the classes: `single` (one of them is true), `multiple` (each
            is true or not), or `both` (the first `single_classes` are of the one kind, the others of the
            other).

    Returns:
        Shape (n, classes); those of single classes sum to 1.
    """
    values = torch.from_numpy(logits)
    if card["label_kind"] == "single":
        return values.softmax(dim=1).numpy()
    probabilities = values.sigmoid()
    if card["label_kind"] == "both":
        singles = card["single_classes"]
        probabilities[:, :singles] = values[:, :singles].softmax(dim=1)
    return probabilities.numpy()


def pixels_digest(pixels: Pixels) -> str:
    """The digest of an image's size and pixel values, which seeds the draw of its crops."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _loaded(image: AnyImage) -> str | os.PathLike[str] | Pixels | UnreadableImageError:
    """A path as it is; an image or an array as a copy that its owner can no longer change."""
    if isinstance(image, np.ndarray):
        check_pixels(image)
        return np.array(image, order="C")
    if isinstance(image, Image.Image):
        try:
            return to_rgb(prepared(image))
        except UnreadableImageError as error:
            return error
    return image


def _name(image: str | os.PathLike[str] | Pixels) -> str:
    return "the image" if isinstance(image, np.ndarray) else os.fspath(image)


def _cancel(image: "Future[_PendingImage]") -> None:
    """Cancels the work of the pool on an image whose score is no longer needed."""
    if not image.cancel() and image.exception() is None:
        for batch in image.result().batches:
            batch.cancel()
