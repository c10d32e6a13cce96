"""`Scorer`: a trained model that gives pictures their scores."""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from mosforge.errors import MosforgeError
from mosforge.images import Pixels, read_rgb, to_rgb
from mosforge.models.classes import class_chances
from mosforge.models.folder import load_model
from mosforge.scoring.crops import draw_boxes, predict
from mosforge.training.recipe import pick_device

Picture = str | os.PathLike[str] | Image.Image | Pixels


@dataclass(frozen=True)
class Score:
    """The score of one picture.

    Attributes:
        quality: in [0, 1], higher is better; the mean over the crops, cut off at the ends.
        score: the same on the scale and in the direction of the dataset that the model learned from.
        spread: standard deviation of the quality over the crops.
        distortions: the likeliest distortion classes and their probabilities, likeliest first; none
            where the model has no such head.
    """

    quality: float
    score: float
    spread: float
    distortions: dict[str, float] | None


class Scorer:
    """Scores pictures; the same picture gets the same score on every call.

    Args:
        folder: a trained model (fine-tuned or pretrained).
        crops: random crops a picture, drawn from a digest of its pixels; the model card's by default.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        MosforgeError: not a model folder, or a damaged one.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, crops: int | None = None, device: str = "auto"
    ) -> None:
        network, self.card = load_model(folder)
        self._device = pick_device(device)
        self._network = network.to(self._device)
        self._crops = int(self.card["test_crops"]) if crops is None else crops
        if self._crops < 1:
            raise MosforgeError(f"crops: {self._crops} is not a positive number")

    def score(self, picture: Picture) -> Score:
        """Scores a file, a Pillow image, or a uint8 RGB array (height, width, 3).

        Raises:
            UnreadableImageError: the picture cannot be decoded.
            MosforgeError: the array is not an 8-bit RGB picture.
        """
        pixels = _pixels(picture)
        key = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
        size = int(self.card["crop"])
        boxes = draw_boxes(pixels, size, self._crops, key)
        scores, logits = predict(self._network, pixels, boxes, size, self._device)
        quality = float(np.clip(scores.mean(), 0.0, 1.0))
        lowest, highest = self.card["range"]
        position = quality if self.card["higher_is_better"] else 1.0 - quality
        return Score(
            quality=quality,
            score=lowest + position * (highest - lowest),
            spread=float(scores.std()),
            distortions=None if logits is None else self._distortions(logits),
        )

    def _distortions(self, logits: Any, most: int = 3) -> dict[str, float]:
        chances = class_chances(logits, self.card).mean(axis=0)
        likeliest = np.argsort(-chances, kind="stable")[:most]
        return {self.card["classes"][i]: float(chances[i]) for i in likeliest}


def _pixels(picture: Picture) -> Pixels:
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
            raise MosforgeError(
                f"an array of {picture.dtype} with shape {picture.shape} is not a picture: "
                "uint8 RGB (height, width, 3) is"
            )
        return picture
    if isinstance(picture, Image.Image):
        return to_rgb(picture)
    return read_rgb(picture)
