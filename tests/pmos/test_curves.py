"""The curves and weights that come with mosforge."""

import pytest

from mosforge.core.files import read_json
from mosforge.core.schemas.metrics import METRICS
from mosforge.pmos.curves import CURVES, read_calibration


def test_there_are_curves_for_two_viewing_scales() -> None:
    for scale in (1, 2):
        found = read_calibration(scale)
        assert found is not None
        assert set(found.weights) == set(found.curves) == set(METRICS)
        assert sum(found.weights.values()) == pytest.approx(1)
    assert read_calibration("auto") is None
    about = read_json(CURVES)["about"]
    assert about["command"].startswith("mosforge calibrate")
    assert len(about["images"]) == 24
