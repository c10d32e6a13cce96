"""Curves and weights that are learnt from class means."""

import numpy as np
import pytest

from mosforge.core.schemas.metrics import METRICS
from mosforge.pmos.calibrated import fit_calibration
from mosforge.pmos.fusion import map_curves, weigh
from mosforge.statistics.logistic import logistic


def rated(noise: tuple[float, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Oriented scores of 8 images of 60 classes, with noise by metric; the qualities and the classes."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(60), 8)
    quality = np.linspace(0.1, 0.9, 60)[classes]
    wrong = rng.normal(0, 1, (60, 6))[classes] * noise  # of a class, which no mean over images removes
    scores = quality[:, None] + wrong + rng.normal(0, 0.02, (480, 6))
    return scores, quality, classes


def test_weights_are_shares_of_the_metrics_that_agree_with_people() -> None:
    oriented, quality, classes = rated((0.8, 0.8, 0.05, 0.05, 0.8, 0.05))
    found = fit_calibration(oriented, quality, classes)
    weights = np.array([found["weights"][name] for name in METRICS])
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[[2, 3, 5]].min() > 3 * weights[[0, 1, 4]].max()
    fused, _ = weigh(map_curves(oriented, found), found["weights"])
    assert np.corrcoef(fused, quality)[0, 1] > 0.97


def test_no_metric_gets_everything_and_equals_get_the_same() -> None:
    oriented, quality, classes = rated((0.2,) * 6, seed=1)
    weights = fit_calibration(oriented, quality, classes)["weights"]
    assert max(weights.values()) < 0.35


def test_curves_rise_between_0_and_1() -> None:
    curves = fit_calibration(*rated((0.1,) * 6))["curves"]
    for curve in curves.values():
        assert curve["width"] > 0
        assert 0 <= curve["lower"] < curve["upper"] <= 1
    x = np.linspace(-1, 2, 30)
    assert (np.diff(logistic(x, **curves["vsi"])) >= 0).all()
