"""What the scatter plots show, read off their SVG and compared with the artefacts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import Drawn
from rows import correlations

from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table
from mosforge.report.artefacts import Artefacts, read_artefacts, runs_of
from mosforge.report.drawing import INK, METHOD_COLOURS
from mosforge.report.figures import scatters
from mosforge.report.settings import PageSettings, Scale, TableSettings
from mosforge.report.summary import across_datasets, within_datasets
from mosforge.statistics.logistic import fit_logistic, logistic


@pytest.fixture(scope="module")
def artefacts(results: Path) -> Artefacts:
    scales = {"tid2013": Scale(0, 100), "own": Scale(0, 100)}
    experiments = {"table1": TableSettings()}
    return read_artefacts(results, PageSettings(experiments=experiments, proxies=("own",), scales=scales))


def test_a_scatter_is_the_predictions_of_its_run_on_the_datasets_scale(artefacts: Artefacts) -> None:
    chosen = within_datasets(artefacts.correlations).drop_duplicates("dataset", keep="last")
    shown = scatters(chosen, artefacts)
    assert len(shown) == len(chosen) == 2
    for figure, run in zip(shown, runs_of(chosen), strict=True):
        rows = artefacts.predictions(run)
        assert rows is not None
        scale, drawn = artefacts.scale(run.dataset), Drawn(figure)
        colour, points = drawn.markers()
        wanted = np.column_stack([scale.of(rows["prediction"].to_numpy()), rows["mos"]])
        assert points == pytest.approx(wanted, abs=5e-3 * np.ptp(wanted))
        assert colour == METHOD_COLOURS["CLS+REG"]
        ((ink, curve),) = drawn.lines()
        fitted = fit_logistic(rows["prediction"].to_numpy(), rows["quality"].to_numpy())
        assert fitted is not None
        x = curve[:, 0] / 100
        assert curve[:, 1] == pytest.approx(scale.of(logistic(x, *fitted)), abs=0.01 * np.ptp(wanted))
        assert ink == INK
        assert f"split {run.split}, 36 images" in figure.caption
        assert ("not human scores" in figure.caption) == (run.dataset == "own")


def test_all_models_of_a_dataset_have_the_same_axes(artefacts: Artefacts) -> None:
    rows = within_datasets(artefacts.correlations)
    for name, of_dataset in rows.groupby("dataset"):
        found = {str(Drawn(figure)._scales) for figure in scatters(of_dataset, artefacts)}
        assert len(of_dataset) > 1, name
        assert len(found) == 1


def test_all_models_show_the_same_split() -> None:
    """Two splits, in each of which CLS+REG leads: what is shown must not turn that round."""
    rows = within_datasets(
        correlations({("net", "imagenet"): [0.84, 0.60], ("net", "tiles-multitask"): [0.86, 0.625]})
    )
    assert len(set(rows["split"])) == 1
    assert rows["srocc"].is_monotonic_increasing


def test_a_scale_has_its_unit_and_its_direction() -> None:
    dmos = Scale(112, -3)
    assert dmos.of(np.array([0.0, 0.2, 1.0])).tolist() == [112, 89, -3]
    assert dmos.span == 115


def test_across_datasets_each_pair_has_one_scatter(artefacts: Artefacts, results: Path) -> None:
    across = read_table(results / "evaluation/table3.parquet", CORRELATIONS)
    other = across.assign(initialisation="imagenet", srocc=0.99)
    rows = pd.concat([other, across], ignore_index=True)
    chosen = across_datasets(rows)
    assert list(chosen["initialisation"]) == ["tiles-multitask"] * 6, "not what scored best"
    (first,) = scatters(chosen.head(1), artefacts)
    assert first.caption.startswith("live → csiq, CLS+REG, efficientnet_lite0: 36 images, SROCC 0.")
    assert first.name == "scatter-live-csiq-efficientnet_lite0-tiles-multitask"
    assert set(across_datasets(other)["initialisation"]) == {"imagenet"}
    assert within_datasets(across).empty
