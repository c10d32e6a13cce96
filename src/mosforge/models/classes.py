"""What the class logits of a pretrained model mean."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from mosforge.models.objectives import LOSSES

_WITHOUT_CLASSES = [objective for objective, losses in LOSSES.items() if "classification" not in losses]
"""Objectives that train no classification, though their networks have the branch."""


def knows_classes(card: Mapping[str, Any]) -> bool:
    """Whether a model was trained to tell the distortion classes in its card."""
    return "classes" in card and card.get("objective") not in _WITHOUT_CLASSES


def class_chances(logits: npt.NDArray[np.float64], card: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """Probabilities of the classes in the model's card, in [0, 1].

    Args:
        logits: shape (n, classes).
        card: its `label_kind` says what the classes are: `single` (one of them is true), `multiple` (each is
            true or not), or `both` (the first `single_classes` are of the one kind, the others of the other).

    Returns:
        Shape (n, classes); those of single classes sum to 1.
    """
    if card["label_kind"] == "single":
        chances: npt.NDArray[np.float64] = softmax(logits, axis=1)
        return chances
    chances = expit(logits)
    if card["label_kind"] == "both":
        singles = card["single_classes"]
        chances[:, :singles] = softmax(logits[:, :singles], axis=1)
    return chances
