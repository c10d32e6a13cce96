"""Labels as tensors: their kinds and the series that levels form."""

import numpy as np
import pandas as pd
import pytest
import torch

from mosforge.pretraining.labels import number_series, read_labels

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
        }
    )


def test_kinds(samples: pd.DataFrame) -> None:
    single = read_labels(samples[:4], "single", CPU)
    assert single.class_bits is None
    assert single.class_index.tolist() == [0, 1, 0, 1]
    multiple = read_labels(samples[4:], "multiple", CPU)
    assert multiple.class_index is None
    assert multiple.class_bits.tolist() == [[1, 0, 1]]
    both = read_labels(samples, "both", CPU)
    assert both.class_index.tolist() == [0, 1, 0, 1, -1]
    assert both.class_bits.tolist() == [[0, 0, 0]] * 4 + [[1, 0, 1]]
    assert both.levels.tolist() == [1, 2, 1, 2, 0]
    assert both.scores.tolist() == pytest.approx(samples["pmos"].tolist())


def test_series_are_an_image_and_a_type(samples: pd.DataFrame) -> None:
    assert number_series(samples).tolist() == [0, 0, 1, 2, 3]
