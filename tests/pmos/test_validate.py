"""The logistic fusion, and metrics and fusions beside given scores."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import MEASURES, VALIDATION
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.tables import read_table, write_table
from mosforge.pmos.fusion import curves_of, fit_curves, fuse_scores, map_curves, map_quantiles
from mosforge.pmos.settings import ValidationSettings
from mosforge.pmos.validate import OTHER_CONTENTS, agreement_with_people
from mosforge.statistics.logistic import logistic

EQUAL = dict.fromkeys(METRICS, 1.0)
CFG = ValidationSettings(dataset="rated", corpus="corpus", weights=EQUAL)

CURVES = {name: (0.9 - 0.02 * i, 0.05 * i, 0.5 + 0.03 * i, 0.05 + 0.02 * i) for i, name in enumerate(METRICS)}
"""Upper and lower plateau, centre and width by metric."""


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of all measures, of which the tests of `statistics` hold the numbers, take seconds."""
    monkeypatch.setattr("mosforge.statistics.intervals.RESAMPLES", 100)


def targets(dataset: str = "rated", contents: int = 6, noise: float = 0.03) -> pd.DataFrame:
    """Pictures of several contents whose quality is a rising logistic of every metric, and noise."""
    rng = np.random.default_rng(len(dataset))
    count = 20 * contents
    quality = rng.uniform(0.3, 0.7, count)
    frame = pd.DataFrame(
        {
            "dataset": dataset,
            "image": [f"{i}.png" for i in range(count)],
            "path": [f"pictures/{i}.png" for i in range(count)],
            "reference": [f"content {i % contents}" for i in range(count)],
            "reference_path": "reference.png",
            "mos": 1 + 4 * quality,
            "quality": quality,
        }
    )
    for name, (upper, lower, centre, width) in CURVES.items():
        inverse = centre + width * np.log((quality - lower) / (upper - quality))
        value = inverse + rng.normal(0, noise, count)
        frame[name] = 1 - value if name in ("mdsi", "gmsd") else value
    return frame.assign(psnr=20 + 20 * quality + rng.normal(0, 3, count))


def oriented(frame: pd.DataFrame) -> np.ndarray:
    return frame[list(METRICS)].assign(mdsi=1 - frame["mdsi"], gmsd=1 - frame["gmsd"]).to_numpy()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_scored_images_are_only_a_warning(count: int, caplog: pytest.LogCaptureFixture) -> None:
    found = agreement_with_people(targets()[:count], CFG, None, None)
    assert found.empty
    assert list(found.columns) == VALIDATION.columns
    assert f"{count} images have scores" in caplog.text


def test_nothing_can_be_fitted_to_no_image() -> None:
    with pytest.raises(MosforgeError, match=r"pmos\.logistic\.dataset"):
        curves_of(targets()[:0])
    measures = agreement_with_people(targets(), CFG, None, targets("other")[:0])["measure"].tolist()
    assert measures == [*METRICS, "psnr", "mean"], "the other rows are there"


def test_curves_are_found_again() -> None:
    frame = targets(noise=0.0)
    fitted = fit_curves(oriented(frame), frame["quality"].to_numpy(), "rated")
    assert fitted["dataset"] == "rated"
    for name, expected in CURVES.items():
        found = [fitted["curves"][name][key] for key in ("upper", "lower", "centre", "width")]
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_curves_rise_and_stay_between_0_and_1() -> None:
    frame = targets(noise=0.1)
    fitted = fit_curves(oriented(frame), frame["quality"].to_numpy(), "rated")
    far = np.tile(np.linspace(-3, 4, 50)[:, None], 6)
    mapped = map_curves(far, fitted)
    assert (np.diff(mapped, axis=0) >= 0).all()
    assert ((mapped >= 0) & (mapped <= 1)).all()


def test_a_dataset_that_disagrees_with_a_metric_is_refused() -> None:
    frame = targets()
    with pytest.raises(MosforgeError, match="the logistic from ssim to the scores of rated falls"):
        fit_curves(oriented(frame), 1 - frame["quality"].to_numpy(), "rated")
    with pytest.raises(MosforgeError, match="does not converge"):
        fit_curves(np.ones((40, 6)), frame["quality"].to_numpy()[:40], "rated")


def test_the_fusion_is_the_mean_of_the_curves_and_is_saved() -> None:
    frame = targets()
    curves = fit_curves(oriented(frame), frame["quality"].to_numpy(), "rated")
    fused = fuse_scores(frame[list(METRICS)].to_numpy(), "logistic", 11, EQUAL, curves)
    saved = json.loads(json.dumps(fused.mapping))
    assert saved["fitted"]["dataset"] == "rated"
    columns = []
    for i, name in enumerate(METRICS):
        parameters = [saved["fitted"]["curves"][name][key] for key in ("upper", "lower", "centre", "width")]
        columns.append(logistic(oriented(frame)[:, i], *parameters))
    np.testing.assert_allclose(fused.pmos, np.mean(columns, axis=0))
    np.testing.assert_allclose(fused.agreement, np.std(columns, axis=0))


def mapping() -> dict[str, Any]:
    corpus = fuse_scores(targets("corpus")[list(METRICS)].to_numpy(), "mean", 51, EQUAL)
    return corpus.mapping


def test_every_measure_is_correlated_with_the_given_scores() -> None:
    frame = targets()
    rows = agreement_with_people(frame, CFG, mapping(), None).set_index("measure")
    assert list(rows.index) == [*METRICS, "psnr", "mean", "quantile", "logistic"]
    quality = frame["quality"]
    assert rows.loc["gmsd", "srocc"] == pytest.approx(spearmanr(1 - frame["gmsd"], quality).statistic)
    assert rows.loc["psnr", "srocc"] == pytest.approx(spearmanr(frame["psnr"], quality).statistic)
    assert rows.loc["mean", "srocc"] == pytest.approx(
        spearmanr(oriented(frame).mean(axis=1), quality).statistic
    )
    knots = np.column_stack([mapping()["knots"][name] for name in METRICS])
    expected = spearmanr(map_quantiles(oriented(frame), knots).mean(axis=1), quality).statistic
    assert rows.loc["quantile", "srocc"] == pytest.approx(expected)
    assert rows.loc["quantile", "fitted_on"] == "corpus"
    assert rows.loc["logistic", "fitted_on"] == OTHER_CONTENTS
    assert (rows["images"] == len(frame)).all()


def test_the_logistic_never_sees_the_scores_that_it_is_compared_with() -> None:
    """Where each content has scores of its own that nothing predicts, a fit to the others finds nothing."""
    frame = targets(contents=10)
    shuffled = frame.assign(quality=np.random.default_rng(0).permutation(frame["quality"]))
    rows = agreement_with_people(shuffled, CFG, None, None).set_index("measure")
    assert "quantile" not in rows.index
    assert "logistic" not in rows.index or abs(rows.loc["logistic", "srocc"]) < 0.25


def test_the_logistic_of_another_dataset() -> None:
    rows = agreement_with_people(targets(), CFG, None, targets("elsewhere")).set_index("measure")
    assert rows.loc["logistic", "fitted_on"] == "elsewhere"
    assert rows.loc["logistic", "srocc"] > 0.8
    same = agreement_with_people(targets(), CFG, None, targets()).set_index("measure")
    assert same.loc["logistic", "fitted_on"] == OTHER_CONTENTS


def test_one_content_has_no_other_to_fit_to() -> None:
    rows = agreement_with_people(targets(contents=1), CFG, None, None)
    assert "logistic" not in set(rows["measure"])


def test_weights_and_the_calibration_count() -> None:
    frame = targets()
    curve = {"upper": 1.0, "lower": 0.0, "centre": 0.5, "width": 0.1}
    only = {name: {**dict.fromkeys(METRICS, 0.0), name: 1.0} for name in ("vsi", "gmsd")}
    calibration = {"weights": only["gmsd"], "curves": dict.fromkeys(METRICS, curve)}
    cfg = ValidationSettings.model_validate(
        {"dataset": "rated", "corpus": "corpus", "weights": only["vsi"], "calibration": calibration}
    )
    rows = agreement_with_people(frame, cfg, mapping(), None).set_index("measure")
    assert rows.loc["mean", "srocc"] == pytest.approx(rows.loc["vsi", "srocc"])
    assert rows.loc["calibrated", "srocc"] == pytest.approx(rows.loc["gmsd", "srocc"])
    assert rows.loc["calibrated", "fitted_on"] == "the class means of KADID-10k"


def test_every_measure_has_an_interval_over_contents_and_a_correlation_within_them() -> None:
    """A difference between contents that the metric does not see lowers the one SROCC, and not the other."""
    frame = targets(noise=0.0)
    quality = frame["quality"] / 2 + frame.groupby("reference").ngroup() / 20
    rows = agreement_with_people(frame.assign(quality=quality), CFG, None, None).set_index("measure")
    row = rows.loc["fsim"]
    assert row["contents"] == 6
    assert row["srocc_within"] == pytest.approx(1)
    assert row["srocc_low"] < row["srocc"] < row["srocc_high"] < 0.95
    ends = [f"{measure}_{end}" for measure in MEASURES for end in ("low", "high")]
    assert rows[[*ends, "srocc_within_low", "srocc_within_high"]].notna().all(axis=None)
    few = agreement_with_people(targets(contents=4), CFG, None, None)
    assert few[ends].isna().all(axis=None)
    assert few["srocc_within"].notna().all()


def test_the_verb_writes_the_table(tmp_path: Path) -> None:
    write_table(tmp_path / "rated.parquet", TARGET_SCORES, targets(), stage="metrics", cfg={})
    (tmp_path / "mapping.json").write_text(json.dumps(mapping() | {"scale": "auto"}))  # as `fuse` does
    words = ["--targets", str(tmp_path / "rated.parquet"), "--mapping", str(tmp_path / "mapping.json")]
    words += ["--output", str(tmp_path / "out.parquet"), "--cfg", json.dumps(CFG.plain())]
    assert main(["pmos", "validate", *words]) == 0
    rows = read_table(tmp_path / "out.parquet", VALIDATION)
    assert (rows["dataset"] == "rated").all()
    assert rows["fitted_on"].isna().sum() == 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"knots": {}, "fusion": "mean"}, "the fusion quantile needs knots"),
        ({"knots": {"ssim": [0, 1]}}, "the fusion quantile needs knots"),
        ({"fusion": "calibrated", "knots": 3}, "not the mapping of a corpus"),
        ({"knots": {name: [1, 0] for name in METRICS}}, "must not fall"),
    ],
)
def test_a_mapping_that_holds_no_distribution_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: dict[str, Any], reason: str
) -> None:
    write_table(tmp_path / "rated.parquet", TARGET_SCORES, targets(), stage="metrics", cfg={})
    (tmp_path / "mapping.json").write_text(json.dumps(mapping() | {"scale": "auto"} | content))
    words = ["--targets", str(tmp_path / "rated.parquet"), "--mapping", str(tmp_path / "mapping.json")]
    words += ["--output", str(tmp_path / "out.parquet"), "--cfg", json.dumps(CFG.plain())]
    assert main(["pmos", "validate", *words]) == 1
    found = capsys.readouterr().err
    assert re.search(rf"mapping\.json: .*{reason}", found)
    assert "Traceback" not in found
    assert not (tmp_path / "out.parquet").exists()
