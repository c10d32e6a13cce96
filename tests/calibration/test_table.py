"""The table of metrics and fusions beside people, on scores that are made up."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from mosforge.calibration.classes import human_means
from mosforge.calibration.table import agreement, calibrations
from mosforge.core.schemas.metrics import DISTANCES, METRICS

ONLY_VSI = {**dict.fromkeys(METRICS, 0.0), "vsi": 1.0}


def scored(noise: dict[str, float], scales: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    """Scores of three images: the human mean of the class, and a metric's own error of each class."""
    rng = np.random.default_rng(0)
    means = human_means()
    errors = {name: rng.normal(0, noise.get(name, 0.1), len(means)) for name in METRICS}
    tables = []
    for scale in scales:
        for image in ("a.png", "b.png", "c.png"):
            columns = {
                name: means["quality"] + scale * errors[name] + rng.normal(0, 0.01, len(means))
                for name in METRICS
            }
            columns |= {name: 1 - columns[name] for name in DISTANCES}
            tables.append(means[["type", "level"]].assign(image=image, scale=scale, **columns))
    return pd.concat(tables, ignore_index=True)


def test_every_metric_and_fusion_has_a_row_with_both_scales() -> None:
    scores = scored({"vsi": 0.0})
    rows = {row["measure"]: row for row in agreement(scores, ONLY_VSI, {2: calibrations(scores)["2"]})}
    assert list(rows) == [
        *METRICS,
        *("mean, equal weights", "mean, vsi", "quantile, equal weights", "quantile, vsi"),
        *("calibrated, leave one type out", "calibrated, as it comes"),
    ]
    of_gmsd = scores[scores["scale"] == 1].groupby(["type", "level"], sort=False)["gmsd"].mean()
    expected = spearmanr(1 - of_gmsd, human_means()["quality"]).statistic
    assert rows["gmsd"]["srocc_1"] == pytest.approx(expected)
    assert rows["gmsd"]["srocc_2"] < rows["gmsd"]["srocc_1"], "its errors are twice as large"
    for measure in ("vsi", "mean, vsi", "quantile, vsi"):
        assert min(rows[measure]["srocc_1"], rows[measure]["srocc_2"]) > 0.99
    assert "srocc_1" not in rows["calibrated, as it comes"], "there is none for that scale"
    assert rows["calibrated, as it comes"]["plcc_2"] > 0.97


def test_types_that_are_left_out_are_not_learnt_from() -> None:
    """Where a metric is only right about the types that it is tested on, leaving them out shows it."""
    scores = scored(dict.fromkeys(METRICS, 0.0), scales=(1,))
    turned = scores["type"].isin(["jpeg", "jpeg2000"])  # of two types, all metrics say the same wrong thing
    for name in METRICS:
        scores.loc[turned, name] = scores[name].min() - 0.5 if name not in DISTANCES else 1.5
    rows = {row["measure"]: row for row in agreement(scores, ONLY_VSI, {1: calibrations(scores)["1"]})}
    assert rows["calibrated, leave one type out"]["plcc_1"] < rows["calibrated, as it comes"]["plcc_1"]


def test_what_is_learnt_is_by_scale() -> None:
    found = calibrations(scored({"vsi": 0.01, "mdsi": 0.01, "ssim": 0.6}))
    assert list(found) == ["1", "2"]
    assert found["1"]["weights"]["ssim"] < 0.1 < found["1"]["weights"]["vsi"]
