"""The table of an experiment, from the small folder of results."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rows import correlations, crossed, measured

from mosforge.core.runs import RUN, Run
from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES
from mosforge.core.tables import read_table
from mosforge.report.blocks import Cell, say, to_csv, to_markdown
from mosforge.report.experiment_table import (
    ExperimentTable,
    every_measure_grid,
    experiment_table,
    legend,
    paper_grid,
    split_grids,
    splits_frame,
)
from mosforge.report.published import AVERAGE
from mosforge.report.settings import TableSettings
from mosforge.report.words import PROXY, interval, number

STARTS = {"FT": "imagenet", "CLS+REG": "tiles-multitask", "FSIMc": "fsim"}


def read(results: Path, name: str) -> pd.DataFrame:
    return read_table(results / f"evaluation/{name}.parquet", CORRELATIONS)


def table_of(name: str, rows: pd.DataFrame, **cfg: object) -> ExperimentTable:
    return experiment_table(name, rows, TableSettings.model_validate(cfg))


@pytest.fixture(scope="module")
def within(results: Path) -> ExperimentTable:
    return table_of("table1", read(results, "table1"), proxies=["own"], sizes={"tid2013": 3000})


def csv_rows(table: ExperimentTable) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(table.numbers))))


def markdown(table: ExperimentTable) -> str:
    return to_markdown(paper_grid(table), [*legend(table), *table.notes])


def first_cell(table: ExperimentTable) -> Cell:
    """The first number of the first measured row."""
    return paper_grid(table).rows["measured"][0][1]


def test_measured_values_are_numpys_medians(within: ExperimentTable, results: Path) -> None:
    rows = read(results, "table1")
    checked = 0
    for line in csv_rows(within):
        if line["origin"] == "measured":
            start = STARTS[line["method"]]
            same = rows[(rows["dataset"] == line["test_dataset"]) & (rows["initialisation"] == start)]
            assert float(line["value"]) == pytest.approx(np.median(same[line["metric"]]), abs=1e-5)
            checked += 1
    assert checked == 5 * len(MEASURES)


PAPERS = ("live", "csiq", "tid2013")


def of_datasets(*datasets: str, start: str = "imagenet") -> pd.DataFrame:
    """FT of each dataset in two splits; the SROCC is another in each."""
    values = {name: 0.5 + 0.1 * place for place, name in enumerate(datasets)}
    return pd.concat([correlations({("net", start): [value] * 2}, name) for name, value in values.items()])


def average_of(table: ExperimentTable, measure: str = "srocc") -> dict[str, float]:
    """Method -> weighted average."""
    return {
        line["method"]: float(line["value"])
        for line in csv_rows(table)
        if (line["test_dataset"], line["metric"]) == (AVERAGE, measure)
    }


def test_the_average_uses_the_given_sizes_and_else_the_test_images() -> None:
    table = table_of("mine", of_datasets("tid2013", "live", "own"), sizes={"tid2013": 3000})
    wanted = (0.5 * 3000 + 0.6 * 100 + 0.7 * 100) / 3200
    assert average_of(table)["FT"] == pytest.approx(wanted, abs=1e-3)
    assert average_of(table, "rmse")["FT"] == pytest.approx(wanted - 0.04, abs=1e-3)


def test_a_proxy_is_in_no_average(within: ExperimentTable) -> None:
    """`own` is one, so that only tid2013 is left, and one dataset has no average."""
    assert average_of(within) == {}
    both = table_of("mine", of_datasets("tid2013", "live", "own"), proxies=["own"])
    assert average_of(both)["FT"] == pytest.approx(0.55, abs=1e-3)
    assert any(note.startswith("Weighted average: over tid2013 and live, weighted") for note in both.notes)


@pytest.mark.parametrize(
    ("others", "proxies", "published"), [((), (), True), (("own",), ("own",), True), (("own",), (), False)]
)
def test_measured_and_published_averages_go_over_the_same_datasets(
    others: tuple[str, ...], proxies: tuple[str, ...], published: bool
) -> None:
    table = table_of("table1", of_datasets(*PAPERS, *others), proxies=proxies)
    found = average_of(table)
    assert ("Proposed" in found) == published
    assert found["FT"] == pytest.approx(0.6 if published else 0.65, abs=1e-3)
    (note,) = (note for note in table.notes if note.startswith("Weighted average"))
    assert (note == say("plain_average")) == published
    assert {line["mark"] for line in csv_rows(table) if line["test_dataset"] == AVERAGE} == {""}
    if not published:
        assert "live, csiq, tid2013 and own" in note
        assert "the paper's average is over live, csiq and tid2013" in note


def test_a_part_of_the_papers_datasets_has_no_published_average() -> None:
    table = table_of("table1", of_datasets("live", "csiq"))
    assert set(average_of(table)) == {"FT"}
    assert "Proposed" in set(table.numbers.loc[table.numbers["origin"] == "published", "method"])
    assert any("over live and csiq," in note for note in table.notes)


def test_published_rows_stand_only_beside_the_same_dataset(within: ExperimentTable) -> None:
    published = [line for line in csv_rows(within) if line["origin"] == "published"]
    assert {line["test_dataset"] for line in published} == {"tid2013"}
    proposed = [line for line in published if line["method"] == "Proposed" and line["metric"] == "srocc"]
    assert [line["value"] for line in proposed] == ["0.895"]


def test_a_proxy_that_bears_a_published_name_gets_no_published_row(results: Path) -> None:
    table = table_of("table1", read(results, "table1"), proxies=["own", "tid2013"])
    assert {line["origin"] for line in csv_rows(table)} == {"measured"}
    assert any("no published rows" in note for note in table.notes)


def test_best_and_second_best_of_a_column(within: ExperimentTable) -> None:
    marks = {
        line["mark"]: line["method"]
        for line in csv_rows(within)
        if line["test_dataset"] == "tid2013" and line["metric"] == "srocc" and line["mark"]
    }
    assert marks == {"best": "Proposed", "second": "AIGQA"}


def test_two_rows_have_a_best_but_no_second(within: ExperimentTable) -> None:
    marks = [line["mark"] for line in csv_rows(within) if line["test_dataset"] == "own"]
    assert set(marks) == {"best", ""}


def test_equal_values_share_the_mark() -> None:
    row = {
        "dataset": "own",
        "split": "1",
        "seed": 0,
        "test_dataset": "own",
        "adaptation": "finetune",
        "images": 50,
        "contents": 50,
        "krocc": 0.5,
        "plcc": 0.8,
        "plcc_mapped": 0.8,
        "rmse": 0.1,
        "mapping": "none",
        "initialisation": "imagenet",
        **{f"{measure}_{end}": math.nan for measure in MEASURES for end in ("low", "high")},
        "clean_images": 50,
        **{f"clean_{measure}": math.nan for measure in MEASURES},
    }
    rows = [
        {**row, "backbone": name, "srocc": srocc}
        for name, srocc in (("a", 0.8001), ("b", 0.8004), ("c", 0.7))
    ]
    found = paper_grid(table_of("mine", pd.DataFrame(rows))).rows["measured"]
    assert [cells[1].mark for cells in found] == ["best", "best", "second"]


def test_every_text_says_proxy(within: ExperimentTable) -> None:
    assert any(PROXY in note and "own" in note for note in within.notes)
    assert PROXY in markdown(within)
    lines = csv_rows(within)
    assert {line["note"] for line in lines if line["test_dataset"] == "own"} == {PROXY}
    assert {line["note"] for line in lines if line["test_dataset"] == "tid2013"} == {""}


def test_markdown_has_a_row_for_each_method_and_the_quartiles(within: ExperimentTable) -> None:
    lines = markdown(within).splitlines()
    body = [line for line in lines if line.startswith("| ")][2:]
    assert len(body) == len(within.numbers[["origin", "method", "backbone"]].drop_duplicates())
    first = within.numbers.iloc[0]
    spread = f"95% {interval(first['low'], first['high'])}; splits {interval(first['q25'], first['q75'])}"
    assert body[0].startswith(f"| FT, efficientnet_lite0 | {number(first['value'])} ({spread}) |")
    assert any(line.startswith("| Proposed (published) | **0.895**") for line in body)
    assert sum(say("by_order") in line for line in lines) == 1


def test_across_datasets_each_pair_is_a_column(results: Path) -> None:
    table = table_of("table3", read(results, "table3"), proxies=["own"])
    grid = paper_grid(table)
    assert [cell.text for cell in grid.over[1:3]] == ["live → csiq", "live → own"]
    assert [cell.text for cell in grid.head] == ["", *["SROCC"] * 6]
    assert len(set(table.numbers["metric"])) == len(MEASURES)
    published = [line for line in csv_rows(table) if line["origin"] == "published"]
    assert {(line["train_dataset"], line["test_dataset"]) for line in published} == {
        ("live", "csiq"),
        ("csiq", "live"),
    }


def test_the_head_counts_images_and_splits_and_marks_proxies(within: ExperimentTable) -> None:
    _, tid2013, own = paper_grid(within).over
    assert (tid2013.text, list(tid2013.small), tid2013.is_proxy) == (
        "tid2013",
        ["36 images (median), 3 splits"],
        False,
    )
    assert (own.text, own.is_proxy, own.span) == ("own", True, 2)


def test_the_ablation_says_why_nothing_published_is_there(results: Path) -> None:
    table = table_of("ablation", read(results, "ablation"))
    assert {line["origin"] for line in csv_rows(table)} == {"measured"}
    assert any("Fig. 3" in note for note in table.notes)


def test_two_corpora_of_one_objective_have_a_row_each(results: Path) -> None:
    rows = read(results, "ablation")
    other = rows[rows["initialisation"] == "tiles-multitask"].assign(initialisation="big-multitask")
    table = table_of("mine", pd.concat([rows, other]))
    assert list(dict.fromkeys(table.numbers["method"])) == ["FT", "CLS+REG from tiles", "CLS+REG from big"]


def test_no_measurement_gives_a_table_that_says_so(results: Path) -> None:
    nothing = read(results, "table1").iloc[:0]
    table = table_of("table2", nothing)
    assert table.notes == ["Nothing was measured."]
    assert len(csv_rows(table)) == 0
    assert "Nothing was measured." in markdown(table)
    assert to_csv(splits_frame("table2", nothing, ())).count("\n") == 1


def test_a_dataset_that_the_labels_have_seen_is_named(results: Path) -> None:
    rows = read(results, "table1")
    name = rows["test_dataset"].iloc[0]
    told = [note for note in table_of("table1", rows, seen=[name]).notes if "depend on human" in note]
    assert len(told) == 1
    assert name in told[0]
    assert not any("depend on human" in note for note in table_of("table1", rows, seen=["kadid"]).notes)


def test_the_lowest_error_is_the_best() -> None:
    rows = [
        measured(Run("own", "1", name, "imagenet", "own"), srocc) for name, srocc in (("a", 0.5), ("b", 0.6))
    ]
    marks = {
        (line["metric"], line["backbone"])
        for line in csv_rows(table_of("mine", pd.DataFrame(rows)))
        if line["mark"] == "best"
    }
    assert marks == {("rmse", "a"), *((measure, "b") for measure in MEASURES if measure != "rmse")}


def test_the_splits_are_the_correlations(results: Path) -> None:
    rows = read(results, "table1")
    lines = list(csv.DictReader(io.StringIO(to_csv(splits_frame("table1", rows, ["own"])))))
    assert len(lines) == len(rows)
    for line, (_, row) in zip(lines, rows.iterrows(), strict=True):
        assert [line[key] for key in RUN] == [str(row[key]) for key in RUN]
        for measure in MEASURES:
            for end in ("", "_low", "_high"):
                assert float(line[f"{measure}{end}"]) == pytest.approx(row[f"{measure}{end}"], abs=1e-5)
        assert line["note"] == (PROXY if line["dataset"] == "own" else "")


def test_an_official_split_can_be_read_by_itself() -> None:
    rows = correlations({("net", "imagenet"): [0.5, 0.6, 0.7], ("net", "t-cls"): [0.55, 0.65, 0.75]})
    rows["split"] = rows["split"].replace({"1": "official"})
    (grid,) = split_grids("mine", rows, ())
    assert [cell.text for cell in grid.head] == ["own", "official split", "split 0", "split 2"]
    assert [list(cell.small) for cell in grid.head[1:]] == [["101 images"], ["100 images"], ["102 images"]]
    assert [cells[0].text for cells in grid.rows[""]] == ["FT", "CLS"]
    assert [cells[1].text for cells in grid.rows[""]] == ["0.600", "0.650"]
    assert list(grid.rows[""][0][1].small) == ["95% 0.500 to 0.700", "PLCC 0.580"]
    assert split_grids("mine", rows[rows["split"] == "official"], ()) == []


def test_every_measure_has_a_row_for_each_model_and_pair(results: Path) -> None:
    table = table_of("table3", read(results, "table3"), proxies=["own"])
    rows = every_measure_grid(table).rows[""]
    assert len(rows) == 6
    model, place, splits, images, *cells = rows[1]
    assert (model.text, place.text, place.is_proxy) == ("CLS+REG", "live → own", True)
    assert (splits.text, images.text) == ("1", "36")
    values = table.numbers[table.numbers["test_dataset"] == "own"].iloc[:5]["value"]
    assert [cell.text for cell in cells] == [number(value) for value in values]


def test_a_single_split_shows_its_interval_over_images(results: Path) -> None:
    rows = read(results, "table1")
    table = table_of("mine", rows[rows["split"] == "1"], proxies=["own"])
    first = table.numbers.iloc[0]
    assert list(first_cell(table).small) == [f"95% {interval(first['value'] - 0.03, first['value'] + 0.02)}"]
    words = legend(table)[-1]
    assert "resamples of the contents of the test images" in words
    assert "splits" not in words
    line = csv_rows(table)[0]
    assert (line["q25"], line["splits"]) == ("", "1")
    assert float(line["low"]) == pytest.approx(first["value"] - 0.03, abs=1e-5)


def test_a_measure_without_a_network_is_a_row_with_its_paper_name(within: ExperimentTable) -> None:
    (cells,) = (cells for cells in paper_grid(within).rows["measured"] if cells[0].text == "FSIMc")
    assert cells[0].small == []
    assert cells[-1].text == "–", "the other dataset has no reference images"
    assert "| FSIMc | " in markdown(within)
    assert any(note.startswith("FSIMc sees the reference image") for note in within.notes)


def test_a_logistic_that_does_not_converge_has_a_note(results: Path) -> None:
    rows = read(results, "table1")
    rows.loc[0, "mapping"] = "none"
    (note,) = (note for note in table_of("table1", rows).notes if "did not converge" in note)
    assert note.startswith("FT, efficientnet_lite0, on tid2013: ")
    assert "in 1 of 3 splits" in note


def test_each_model_whose_logistic_does_not_converge_has_its_line() -> None:
    pairs = [("live", "csiq"), ("tid2013", "csiq")]
    values = {(*pair, network, "imagenet"): 0.5 for pair in pairs for network in ("net", "other")}
    notes = table_of("t", crossed(values).assign(mapping="none")).notes
    found = [note.partition(":")[0] for note in notes if "did not converge" in note]
    assert found == [f"FT, {network}, on {' → '.join(pair)}" for *pair, network, _ in values]


def test_small_data_is_named_with_its_images_and_contents() -> None:
    """A test part of 600 images is small if they show 6 contents."""
    row = measured(Run("own", "1", "net", "imagenet", "own"), 0.9, 600)

    def notes_of(contents: int) -> list[str]:
        rows = pd.DataFrame([row | {"contents": contents}])
        return [note for note in table_of("t", rows).notes if note.startswith("Small data, own: ")]

    (note,) = notes_of(6)
    assert "600 test images of 6 contents, so intervals are wide" in note
    assert "; one split says nothing about the spread" in note
    assert "test images" not in notes_of(600)[0]


def test_a_second_best_is_named_where_there_may_be_one() -> None:
    several = {("net", f"{name}-multitask"): [0.5] for name in "abc"}
    for count in (2, 3):
        rows = correlations(dict(list(several.items())[:count]))
        assert ("second best" in markdown(table_of("t", rows))) == (count == 3)


def test_values_without_contents_that_are_trained_on_stand_beside() -> None:
    rows = correlations({("resnet50", "imagenet"): [0.8, 0.6, 0.7], ("resnet50", "own-cls"): [0.9, 0.8, 0.7]})
    rows["split"] = rows["split"].replace("0", "official")
    spoiled = rows["split"] == "official"
    rows.loc[spoiled, ["clean_images", "clean_srocc", "clean_plcc"]] = 78, 0.5, 0.4
    table = table_of("own", rows)
    srocc = table.measured[table.measured["metric"] == "srocc"]
    # of the other two splits all images are clean, and count as they are
    assert srocc["clean"].tolist() == [0.6, 0.7]
    assert srocc["value"].tolist() == [0.7, 0.8]
    assert "clean 0.600" in first_cell(table).small
    assert any("own, official split: 22 of 100 test images" in note for note in table.notes)
    assert "“clean”" in legend(table)[-1]
    frame = splits_frame("own", rows, ())
    assert frame.loc[frame["split"] == "official", "clean_srocc"].tolist() == [0.5, 0.5]
    cells = split_grids("own", rows, ())[0].rows[""][0]
    assert ["clean 0.500" in cell.small for cell in cells[1:]] == [True, False, False]
    untouched = table_of("own", rows[~spoiled])
    assert untouched.measured["clean"].isna().all()
    assert "clean" not in " ".join([*legend(untouched), *untouched.notes])
