"""In what proportion a unified pretraining draws from its images."""

import pandas as pd
import pytest

from mosforge.core.errors import MosforgeError
from mosforge.pretraining.pretrain import kinds_of
from mosforge.pretraining.pretrain_settings import PretrainingSettings


def test_undistorted_images_are_a_kind_of_their_own() -> None:
    groups = ["jpeg", "undistorted", "jpeg", "authentic", "authentic"]
    samples = pd.DataFrame({"group": groups, "class_index": [0, 1, 0, None, None]})
    shares = {"authentic_share": 0.5, "undistorted_share": 0.3}
    cfg = PretrainingSettings.model_construct(corpus="pair", **shares)
    mixture = kinds_of(samples, cfg)
    assert mixture is not None
    assert mixture.kind.tolist() == [0, 2, 0, 1, 1]
    assert mixture.shares == pytest.approx((0.2, 0.5, 0.3))
    none = kinds_of(samples, PretrainingSettings.model_construct(corpus="pair", authentic_share=0.5))
    assert none is not None
    assert (none.kind.tolist(), none.shares) == ([0, 0, 0, 1, 1], (0.5, 0.5))
    with pytest.raises(MosforgeError, match="pair: its synthetic corpus needs both"):
        kinds_of(samples[samples["group"] != "undistorted"], cfg)
