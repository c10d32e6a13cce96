"""Probabilities of classes, by the kind of a model's labels."""

import numpy as np
import pytest

from mosforge.models.classes import class_chances

LOGITS = np.array([[0.0, np.log(3), 0.0, -np.log(3)]])


@pytest.mark.parametrize(
    ("card", "chances"),
    [
        ({"label_kind": "single"}, np.array([3, 9, 3, 1]) / 16),
        ({"label_kind": "multiple"}, [1 / 2, 3 / 4, 1 / 2, 1 / 4]),
        ({"label_kind": "both", "single_classes": 2}, [1 / 4, 3 / 4, 1 / 2, 1 / 4]),
    ],
)
def test_by_hand(card: dict[str, object], chances: list[float]) -> None:
    np.testing.assert_allclose(class_chances(LOGITS, card)[0], chances)
