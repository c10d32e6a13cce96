"""What the figures of trained models show, read off their SVG and compared with the artefacts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import Drawn
from rows import correlations, crossed, no_predictions

from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table
from mosforge.report import sections, trained
from mosforge.report.artefacts import history_of, predictions_of, runs_of
from mosforge.report.figures import learning_curves, matrix
from mosforge.report.methods import method_names, of_networks
from mosforge.report.svg import INK, METHOD_COLOURS
from mosforge.report.tables import build_table
from mosforge.statistics.logistic import fit_logistic, logistic


@pytest.fixture(scope="module")
def within(results: Path) -> pd.DataFrame:
    return read_table(results / "evaluation/table1.parquet", CORRELATIONS)


@pytest.fixture(scope="module")
def across(results: Path) -> pd.DataFrame:
    return read_table(results / "evaluation/table3.parquet", CORRELATIONS)


def test_a_learning_curve_is_the_history_of_its_run(results: Path, within: pd.DataFrame) -> None:
    runs = [run for run in runs_of(of_networks(within)) if run.dataset == "tid2013"]
    names = method_names(within)
    for column, picture in zip(
        ("loss", "validation_srocc"), trained.finetuning_pictures(runs, names, results), strict=True
    ):
        lines = Drawn(picture).lines()
        assert len(lines) == len(runs) == 6
        for (colour, points), run in zip(lines, runs, strict=True):
            history = history_of(run, results)
            assert history is not None
            assert points == pytest.approx(history[["epoch", column]].to_numpy(), abs=2e-3)
            assert colour == METHOD_COLOURS[names[run.initialisation]]


def test_two_corpora_of_a_method_are_two_kinds_of_line() -> None:
    history = pd.DataFrame({"epoch": [1, 2, 3, 4], "loss": [0.4, 0.3, 0.2, 0.1]})
    runs = [(name, history) for name in ("CLS from a", "CLS from b", "CLS from a", "REG")]
    picture = learning_curves(runs, "loss", label="loss", name="curves", caption="")
    assert all(f">{name}</text>" in picture.inline for name in ("CLS from a", "CLS from b", "REG"))
    assert picture.inline.count("stroke-dasharray: 4") == 2, "the line of b, and the legend's"


def test_a_scatter_is_the_predictions_of_its_run(results: Path, within: pd.DataFrame) -> None:
    chosen = trained.within_datasets(within).drop_duplicates("dataset", keep="last")
    pictures = trained.scatter_pictures(chosen, method_names(within), results, ["own"])
    assert len(pictures) == len(chosen) == 2
    for picture, run in zip(pictures, runs_of(chosen), strict=True):
        rows = predictions_of(run, results)
        assert rows is not None
        drawn = Drawn(picture)
        colour, points = drawn.markers()
        assert points == pytest.approx(rows[["prediction", "quality"]].to_numpy(), abs=2e-3)
        assert colour == METHOD_COLOURS["CLS+REG"]
        ((ink, curve),) = drawn.lines()
        fitted = fit_logistic(rows["prediction"].to_numpy(), rows["quality"].to_numpy())
        assert fitted is not None
        assert curve[:, 1] == pytest.approx(logistic(curve[:, 0], *fitted), abs=5e-3)
        assert ink == INK
        assert f"split {run.split}, 36 images" in picture.caption
        assert ("not human scores" in picture.caption) == (run.dataset == "own")


def test_across_datasets_each_pair_has_one_scatter(results: Path, across: pd.DataFrame) -> None:
    other = across.assign(initialisation="imagenet", srocc=0.99)
    rows = pd.concat([other, across], ignore_index=True)
    chosen = trained.across_datasets(rows)
    assert list(chosen["initialisation"]) == ["tiles-multitask"] * 6, "not what scored best"
    (first,) = trained.scatter_pictures(chosen.head(1), method_names(rows), results, ["own"])
    assert first.caption.startswith("live → csiq, CLS+REG, efficientnet_lite0: 36 images, SROCC 0.")
    assert first.name == "scatter-live-csiq-efficientnet_lite0-tiles-multitask"
    assert set(trained.across_datasets(other)["initialisation"]) == {"imagenet"}
    assert trained.within_datasets(across).empty


def test_bars_show_both_intervals() -> None:
    rows = correlations({("net", "imagenet"): [0.5, 0.6, 0.8], ("net", "t-cls"): [0.7, 0.72, 0.8]})
    table = build_table("mine", rows)
    (picture,) = sections.experiment_section("mine", rows, no_predictions).pictures
    found = [(width, *ends[:, 0]) for width, ends in Drawn(picture).segments()]
    wanted = [
        (width, *ends)
        for _, cell in table.sroccs(("own", "own"))
        for width, ends in ((1.0, cell.interval), (3.2, cell.quartiles))
    ]
    assert found == [pytest.approx(line, abs=2e-3) for line in wanted]
    (single,) = sections.experiment_section("mine", rows[rows["split"] == "0"], no_predictions).pictures
    assert [width for width, _ in Drawn(single).segments()] == [1.0, 1.0]
    assert "median" not in single.caption


def matrices(monkeypatch: pytest.MonkeyPatch, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The numbers of every matrix of an experiment."""
    drawn: dict[str, pd.DataFrame] = {}
    draw = sections.matrix

    def recorded(values: pd.DataFrame, **kwargs: str) -> object:
        drawn[kwargs["name"]] = values
        return draw(values, rows="", columns="", name=kwargs["name"], caption="")

    monkeypatch.setattr(sections, "matrix", recorded)
    sections.experiment_section("t3", rows, no_predictions)
    return drawn


def test_two_corpora_of_one_objective_have_a_matrix_each(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = (("livec", "live"), ("live", "livec"))
    corpora = (("authentic", 0.2), ("synthetic", 0.8))
    rows = crossed(
        {(train, test, "net", f"{corpus}-multitask"): s for train, test in pairs for corpus, s in corpora}
    )
    found = matrices(monkeypatch, rows)
    assert list(found) == ["matrix-t3-net-cls-reg-from-authentic", "matrix-t3-net-cls-reg-from-synthetic"]
    for grid, (_, srocc) in zip(found.values(), corpora, strict=True):
        assert grid.loc["live", "livec"] == grid.loc["livec", "live"] == srocc
        assert np.isnan(grid.loc["live", "live"])


def test_two_numbers_for_one_cell_of_a_matrix_are_an_error() -> None:
    rows = pd.DataFrame({"train": ["a", "a"], "test": ["b", "b"], "srocc": [0.2, 0.8]})
    with pytest.raises(ValueError, match="duplicate"):
        sections._matrix("t3", "net", "FT", rows, ())


@pytest.mark.parametrize("name", ["live", "a_dataset_with_a_long_name"])
def test_the_cells_of_a_matrix_have_room_whatever_their_names(name: str) -> None:
    names = [f"{name}_{place}" for place in range(3)]
    grid = pd.DataFrame(0.5, index=names, columns=names)
    picture = matrix(grid, rows="trained on", columns="tested on", name="m", caption="")
    widths = Drawn(picture).widths()
    assert len(widths) == 9
    assert min(widths) > 25, "a number is as wide as 18 points"


def test_bars_of_two_corpora_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, float]] = []
    draw = sections.bars

    def recorded(rows: list[sections.Bar], *, name: str, caption: str) -> object:
        drawn.extend((row.label, row.interval[0]) for row in rows)
        return draw(rows, name=name, caption=caption)

    monkeypatch.setattr(sections, "bars", recorded)
    starts = {"imagenet": 0.5, "a-multitask": 0.2, "b-multitask": 0.8}
    rows = correlations({("net", start): [srocc] for start, srocc in starts.items()})
    sections.experiment_section("mine", rows, no_predictions)
    wanted = [("FT", 0.4), ("CLS+REG from a", 0.1), ("CLS+REG from b", 0.7)]
    assert drawn == [(label, pytest.approx(low)) for label, low in wanted]


def test_the_gallery_shows_what_the_best_network_thinks(results: Path, within: pd.DataFrame) -> None:
    """The best of a dataset's own networks, pooled over its splits, whatever a metric comes to."""
    names = method_names(within)
    rows = within.assign(srocc=within["srocc"].where(within["initialisation"] != "fsim", 0.999))
    elsewhere = rows.head(1).assign(dataset="own", split="full", srocc=0.999)
    rows = pd.concat([rows, elsewhere], ignore_index=True)
    found = {item.dataset: item for item in trained.extremes(rows, names, results, results.parent, ["own"])}
    assert {name: (item.model, item.proxy) for name, item in found.items()} == {
        "tid2013": ("CLS+REG, efficientnet_lite0", False),
        "own": ("CLS+REG, efficientnet_lite0", True),
    }
    chosen = rows[(rows["dataset"] == "tid2013") & (rows["initialisation"] == "tiles-multitask")]
    tables = [predictions_of(run, results) for run in runs_of(chosen)]
    means = (
        pd.concat([table for table in tables if table is not None]).groupby("image")[["prediction"]].mean()
    )
    shown = found["tid2013"].groups["Scored highest"]
    assert [item.image for item in shown] == list(means["prediction"].nlargest(4).index)
    assert [item.predicted for item in shown] == pytest.approx(list(means["prediction"].nlargest(4)))
    worse = rows.assign(srocc=rows["srocc"].where(rows["initialisation"] == "imagenet", 0.0))
    assert trained.extremes(worse, names, results, results.parent, [])[0].model == "FT, efficientnet_lite0"


def test_the_gallery_of_what_was_never_tested_within_a_dataset(results: Path, across: pd.DataFrame) -> None:
    found = trained.extremes(across, method_names(across), results, results.parent, ["own"])
    assert {item.dataset for item in found} == {"live", "csiq", "own"}
    best = across[across["test_dataset"] == "csiq"].sort_values("srocc").iloc[-1]["dataset"]
    (csiq,) = (item for item in found if item.dataset == "csiq")
    assert csiq.model == f"CLS+REG, efficientnet_lite0, trained on {best}"
