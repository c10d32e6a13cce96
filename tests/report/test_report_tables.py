"""The tables of the experiments, from the small folder of results."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mosforge.report.notes import PROXY
from mosforge.report.summary import number
from mosforge.report.tables import Table, build_table
from mosforge.report.tabletext import table_csv, table_markdown
from mosforge.tables import MEASURES, read_table

STARTS = {"FT": "imagenet", "CLS+REG": "tiles-multitask", "FSIMc": "fsim"}


def read(results: Path, name: str) -> pd.DataFrame:
    return read_table(results / f"evaluation/{name}.parquet", "correlations")


@pytest.fixture(scope="module")
def within(results: Path) -> Table:
    return build_table("table1", read(results, "table1"), proxies=["own"], sizes={"tid2013": 3000})


def csv_rows(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_csv(table))))


def test_measured_values_are_numpys_medians(within: Table, results: Path) -> None:
    rows = read(results, "table1")
    checked = 0
    for line in csv_rows(within):
        if line["origin"] == "measured" and line["test_dataset"] in ("tid2013", "own"):
            start = STARTS[line["method"]]
            same = rows[(rows["dataset"] == line["test_dataset"]) & (rows["initialisation"] == start)]
            assert float(line["value"]) == pytest.approx(np.median(same[line["metric"]]), abs=1e-5)
            checked += 1
    assert checked == 10


def test_the_average_uses_the_given_sizes_and_else_the_test_images(within: Table) -> None:
    values = {
        line["test_dataset"]: float(line["value"])
        for line in csv_rows(within)
        if line["method"] == "FT" and line["metric"] == "srocc"
    }
    wanted = (values["tid2013"] * 3000 + values["own"] * 36) / 3036
    assert values["weighted_average"] == pytest.approx(wanted, abs=1e-5)


def test_published_rows_stand_beside_the_same_dataset_alone(within: Table) -> None:
    published = [line for line in csv_rows(within) if line["origin"] == "published"]
    assert {line["test_dataset"] for line in published} == {"tid2013"}
    proposed = [line for line in published if line["method"] == "Proposed" and line["metric"] == "srocc"]
    assert [line["value"] for line in proposed] == ["0.895"]


def test_a_proxy_that_bears_a_published_name_gets_no_published_row(results: Path) -> None:
    table = build_table("table1", read(results, "table1"), proxies=["own", "tid2013"])
    assert not table.published
    assert any("no published rows" in note for note in table.notes)


def test_best_and_second_best_of_a_column(within: Table) -> None:
    marks = {
        line["mark"]: line["method"]
        for line in csv_rows(within)
        if line["test_dataset"] == "tid2013" and line["metric"] == "srocc" and line["mark"]
    }
    assert marks == {"best": "Proposed", "second": "AIGQA"}


def test_two_rows_have_a_best_but_no_second(within: Table) -> None:
    marks = [line["mark"] for line in csv_rows(within) if line["test_dataset"] == "own"]
    assert set(marks) == {"best", ""}


def test_equal_values_share_the_mark() -> None:
    row = {
        "dataset": "own",
        "split": "1",
        "test_dataset": "own",
        "images": 50,
        "krocc": 0.5,
        "plcc": 0.8,
        "plcc_mapped": 0.8,
        "rmse": 0.1,
        "mapping": "none",
        "initialisation": "imagenet",
        **{f"{measure}_{end}": math.nan for measure in MEASURES for end in ("low", "high")},
    }
    rows = [
        {**row, "backbone": name, "srocc": srocc}
        for name, srocc in (("a", 0.8001), ("b", 0.8004), ("c", 0.7))
    ]
    cells = [line.cells[0] for line in build_table("mine", pd.DataFrame(rows)).rows]
    assert [cell.mark for cell in cells if cell is not None] == ["best", "best", "second"]


def test_every_text_says_proxy(within: Table) -> None:
    assert any(PROXY in note and "own" in note for note in within.notes)
    assert PROXY in table_markdown(within)
    lines = csv_rows(within)
    assert {line["note"] for line in lines if line["test_dataset"] == "own"} == {PROXY}
    assert {line["note"] for line in lines if line["test_dataset"] == "tid2013"} == {""}


def test_markdown_has_a_row_for_each_method_and_the_quartiles(within: Table) -> None:
    lines = table_markdown(within).splitlines()
    body = [line for line in lines if line.startswith("| ")][2:]
    assert len(body) == len(within.rows)
    cell = within.rows[0].cells[0]
    assert cell is not None
    low, high = cell.quartiles
    assert f"{number(cell.value)} ({number(low)} to {number(high)})" in body[0]
    assert any(line.startswith("| Proposed (published) | **0.895**") for line in body)


def test_across_datasets_each_pair_is_a_column(results: Path) -> None:
    table = build_table("table3", read(results, "table3"), proxies=["own"])
    assert [(column.train, column.test) for column in table.columns[:2]] == [
        ("live", "csiq"),
        ("live", "own"),
    ]
    assert len(table.columns) == 6
    published = [line for line in csv_rows(table) if line["origin"] == "published"]
    assert {(line["train_dataset"], line["test_dataset"]) for line in published} == {
        ("live", "csiq"),
        ("csiq", "live"),
    }


def test_the_ablation_says_why_nothing_published_is_there(results: Path) -> None:
    table = build_table("ablation", read(results, "ablation"))
    assert not table.published
    assert any("Fig. 3" in note for note in table.notes)


def test_two_corpora_of_one_objective_are_told_apart(results: Path) -> None:
    rows = read(results, "ablation")
    other = rows[rows["initialisation"] == "tiles-multitask"].assign(initialisation="big-multitask")
    table = build_table("mine", pd.concat([rows, other]))
    assert [row.method for row in table.rows] == ["FT", "CLS+REG from tiles", "CLS+REG from big"]


def test_no_measurement_gives_a_table_that_says_so(results: Path) -> None:
    table = build_table("table2", read(results, "table1").iloc[:0], left_out=["livec: not there"])
    assert table.notes == ("Nothing was measured.", "livec: not there")
    assert len(csv_rows(table)) == 0
    assert "Nothing was measured." in table_markdown(table)


def test_a_single_split_shows_its_interval_over_images(results: Path) -> None:
    rows = read(results, "table1")
    table = build_table("mine", rows[rows["split"] == "1"], proxies=["own"])
    cell = table.rows[0].cells[0]
    assert cell is not None
    assert cell.spread == cell.interval == pytest.approx((cell.value - 0.03, cell.value + 0.02))
    assert any(note.startswith("Beside each measured value stands the range of 95%") for note in table.notes)
    line = csv_rows(table)[0]
    assert float(line["low"]) == pytest.approx(cell.value - 0.03, abs=1e-5)


def test_a_measure_without_a_network_is_a_row_with_its_paper_name(within: Table) -> None:
    row = next(row for row in within.rows if row.method == "FSIMc" and not row.published)
    assert row.backbone == ""
    assert row.cells[-1] is None, "no average without the other dataset"
    assert "| FSIMc | " in table_markdown(within)
    assert any(note.startswith("FSIMc sees the undistorted picture") for note in within.notes)


def test_a_logistic_that_does_not_converge_is_told(results: Path) -> None:
    rows = read(results, "table1")
    rows.loc[0, "mapping"] = "none"
    notes = build_table("table1", rows).notes
    told = [note for note in notes if "did not converge" in note]
    assert told == [
        "FT on tid2013: the logistic did not converge in 1 of 3 splits; the raw PLCC and RMSE stand there."
    ]
