"""What the figures show, read off their SVG and compared with the artefacts."""

import math
import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from drawn import Drawn
from rows import correlations, crossed

from mosforge.core import layout
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table
from mosforge.report import figures, words
from mosforge.report.artefacts import Artefacts, read_artefacts
from mosforge.report.drawing import METHOD_COLOURS, canvas, colour_of, finish
from mosforge.report.experiment_table import ExperimentTable, experiment_table
from mosforge.report.settings import PageSettings, TableSettings


@pytest.fixture(scope="module")
def artefacts(results: Path) -> Artefacts:
    return read_artefacts(results, PageSettings(experiments={"table1": TableSettings()}, proxies=("own",)))


@pytest.fixture(scope="module")
def across(results: Path) -> pd.DataFrame:
    return read_table(results / "evaluation/table3.parquet", CORRELATIONS)


def table_of(rows: pd.DataFrame) -> ExperimentTable:
    return experiment_table("mine", rows, TableSettings())


def test_a_learning_curve_is_the_history_of_its_run(artefacts: Artefacts) -> None:
    runs = [run for run in artefacts.runs if run.dataset == "tid2013"]
    shown = [figure for figure in figures.finetuning_curves(artefacts) if "tid2013" in figure.name]
    assert len(shown) == 2
    for column, figure in zip(("loss", "validation_srocc"), shown, strict=True):
        assert figure.name.endswith(column)
        lines = Drawn(figure).lines()
        assert len(lines) == len(runs) == 6
        for (colour, points), run in zip(lines, runs, strict=True):
            rows = artefacts.epochs(layout.FINETUNED, **run.wildcards)
            assert rows is not None
            assert points == pytest.approx(rows[["epoch", column]].to_numpy(), abs=2e-3)
            assert colour == METHOD_COLOURS[artefacts.name_of(run)]


def test_two_corpora_of_a_method_are_two_kinds_of_line() -> None:
    curve = pd.Series([0.4, 0.3, 0.2, 0.1], index=[1, 2, 3, 4])
    names = ("CLS from a", "CLS from b", "CLS from a", "REG")
    lines = [(name, colour_of(name), curve) for name in names]
    figure = figures._curves(lines, "loss", "curves", "")
    assert all(f">{name}</text>" in figure.inline for name in ("CLS from a", "CLS from b", "REG"))
    assert figure.inline.count("stroke-dasharray: 4") == 2, "the line of b, and the legend's"


def test_a_pretraining_of_two_parts_shows_their_sum_too(artefacts: Artefacts) -> None:
    (figure,) = figures.pretraining_curves(artefacts)
    (rows,) = artefacts.pretrainings.values()
    found = [points for _, points in Drawn(figure).lines()]
    for points, column in zip(found, ("loss", "class_loss", "score_loss"), strict=True):
        assert points == pytest.approx(rows[["epoch", column]].to_numpy(), abs=5e-3)
    assert "CLS+REG on the corpus tiles" in figure.caption


def test_bars_show_both_intervals() -> None:
    rows = correlations({("net", "imagenet"): [0.5, 0.6, 0.8], ("net", "t-cls"): [0.7, 0.72, 0.8]})
    table = table_of(rows)
    (figure,) = figures.bars(table, ())
    found = [(width, *ends[:, 0]) for width, ends in Drawn(figure).segments()]
    wanted = [
        (width, row[low], row[high])
        for row in table.sroccs(("own", "own")).to_dict("records")
        for width, low, high in ((1.0, "low", "high"), (3.2, "q25", "q75"))
    ]
    assert found == [pytest.approx(line, abs=2e-3) for line in wanted]
    (single,) = figures.bars(table_of(rows[rows["split"] == "0"]), ())
    assert [width for width, _ in Drawn(single).segments()] == [1.0, 1.0]
    assert "median" not in single.caption


def test_bars_of_two_datasets_stand_on_one_axis() -> None:
    starts = {("net", "imagenet"): [0.5], ("net", "a-cls"): [0.2]}
    high = {("net", "imagenet"): [0.8], ("net", "a-cls"): [0.9]}
    rows = pd.concat(
        [
            correlations(starts, "own"),
            correlations(high, "other"),
            correlations({("net", "imagenet"): [0.1]}, "x"),
        ]
    )
    (figure,) = figures.bars(table_of(rows), ("other",))
    ends = [ends[0, 0] for _, ends in Drawn(figure).segments()]
    assert ends == pytest.approx([0.4, 0.1, 0.7, 0.8], abs=2e-3), "the third dataset has nothing to compare"
    assert re.findall(r">(own|other|x), net</text>", figure.inline) == ["own", "other"]
    assert f"other: {words.PROXY}" in figure.caption


def test_bars_of_two_corpora_are_two() -> None:
    starts = {"imagenet": 0.5, "a-multitask": 0.2, "b-multitask": 0.8}
    table = table_of(correlations({("net", start): [srocc] for start, srocc in starts.items()}))
    (figure,) = figures.bars(table, ())
    assert [ends[0, 0] for _, ends in Drawn(figure).segments()] == pytest.approx([0.4, 0.1, 0.7], abs=2e-3)
    assert re.findall(r">(FT|CLS\+REG from \w)</text>", figure.inline) == [
        "FT",
        "CLS+REG from a",
        "CLS+REG from b",
    ]


@pytest.mark.parametrize("others", [[], [0.5, -0.2]])
def test_a_model_without_a_correlation_has_no_bar(others: list[float]) -> None:
    """Its predictions are constant; it has a name and a dash, but no bar and no interval."""
    sroccs = [math.nan, math.nan, *others]
    rows = correlations(
        {("net", f"{name}-cls"): [srocc] for name, srocc in zip("abcd", sroccs, strict=False)}
    )
    (figure,) = figures.bars(table_of(rows), ())
    drawn = Drawn(figure)
    assert len(drawn.segments()) == len(others)
    assert len(drawn.widths()) == len(others) + 2, "and the two axes"
    assert figure.inline.count(">–</text>") == 2


def test_each_pair_of_datasets_has_bars_with_their_intervals() -> None:
    """A number for each pair and method, also where one method was tested, under the names of both."""
    pairs = (("livec", "live"), ("live", "livec"))
    corpora = (("authentic", 0.2), ("synthetic", 0.8))
    rows = crossed(
        {(train, test, "net", f"{corpus}-multitask"): s for train, test in pairs for corpus, s in corpora}
    )
    (figure,) = figures.bars(table_of(pd.concat([rows, crossed({("a", "b", "net", "a-cls"): 0.4})])), ("a",))
    ends = [ends[:, 0] for _, ends in Drawn(figure).segments()]
    wanted = [(srocc - 0.1, srocc + 0.1) for srocc in (0.2, 0.8, 0.2, 0.8, 0.4)]
    assert ends == [pytest.approx(pair, abs=2e-3) for pair in wanted]
    assert re.findall(r">(\w+ → \w+), net</text>", figure.inline) == ["livec → live", "live → livec", "a → b"]
    assert f"a: {words.PROXY}" in figure.caption


def test_a_caption_is_escaped_in_the_label() -> None:
    with canvas(1, 1) as (drawn, _):
        figure = finish(drawn, "m", 'a <b> & "c"')
    assert figure.caption == 'a <b> & "c"'
    assert 'aria-label="a &lt;b&gt; &amp; ' in figure.inline


def test_a_figure_depends_on_no_setting_of_the_user(artefacts: Artefacts) -> None:
    plain = figures.finetuning_curves(artefacts)[0]
    users = {"text.usetex": True, "axes.grid": True, "savefig.transparent": True, "font.size": 30.0}
    with mpl.rc_context(users):
        assert figures.finetuning_curves(artefacts)[0] == plain
        assert mpl.rcParams["font.size"] == 30
