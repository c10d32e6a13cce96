"""Labels as tensors: their kinds, their weights and the series that levels form."""

import numpy as np
import pandas as pd
import pytest
import torch

from mosforge.pretraining.labels import agreement_weights, number_series, read_labels

CPU = torch.device("cpu")


@pytest.fixture
def samples() -> pd.DataFrame:
    """Two images with two levels of one type, and a mixture."""
    return pd.DataFrame(
        {
            "source": ["a", "a", "a", "b", "c"],
            "image_id": ["1", "1", "2", "1", "9"],
            "group": ["jpeg", "jpeg", "jpeg", "jpeg", "authentic"],
            "level": pd.array([1, 2, 1, 2, None], dtype="Int8"),
            "class_index": pd.array([0, 1, 0, 1, None], dtype="Int16"),
            "labels": [None, None, None, None, np.array([1, 0, 1], np.uint8)],
            "pmos": [0.9, 0.4, 0.8, 0.3, 0.6],
            "agreement": [0.0, 0.1, 0.2, 0.1, 0.3],
        }
    )


def test_kinds(samples: pd.DataFrame) -> None:
    single = read_labels(samples[:4], "single", 0.0, CPU)
    assert single.class_bits is None
    assert single.class_index.tolist() == [0, 1, 0, 1]
    assert single.weights is None
    multiple = read_labels(samples[4:], "multiple", 0.0, CPU)
    assert multiple.class_index is None
    assert multiple.class_bits.tolist() == [[1, 0, 1]]
    both = read_labels(samples, "both", 0.0, CPU)
    assert both.class_index.tolist() == [0, 1, 0, 1, -1]
    assert both.class_bits.tolist() == [[0, 0, 0]] * 4 + [[1, 0, 1]]
    assert both.levels.tolist() == [1, 2, 1, 2, 0]
    assert both.scores.tolist() == pytest.approx(samples["pmos"].tolist())


def test_series_are_an_image_and_a_type(samples: pd.DataFrame) -> None:
    assert number_series(samples).tolist() == [0, 0, 1, 2, 3]


def test_weights_by_hand() -> None:
    weights = agreement_weights(np.array([0.0, 0.1, 0.2]), 0.1)
    np.testing.assert_allclose(weights, np.array([1, 1 / 2, 1 / 5]) / ((1 + 1 / 2 + 1 / 5) / 3))
    assert weights.mean() == pytest.approx(1)


def test_weights_reach_the_labels(samples: pd.DataFrame) -> None:
    weights = read_labels(samples, "both", 0.1, CPU).weights
    assert weights is not None
    assert weights.mean().item() == pytest.approx(1)
    assert weights[0] == weights.max()
    assert weights[4] == weights.min()
