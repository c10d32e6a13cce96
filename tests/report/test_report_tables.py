"""The tables of the experiments, from the small folder of results."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rows import correlations, crossed, measured, no_predictions

from mosforge.core.runs import RUN, Run
from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES
from mosforge.core.tables import read_table
from mosforge.report.differences import paired_differences
from mosforge.report.notes import BY_ORDER, PLAIN_AVERAGE, PROXY
from mosforge.report.protocol import differences
from mosforge.report.published import AVERAGE
from mosforge.report.splits import split_tables
from mosforge.report.summary import interval, number
from mosforge.report.tables import Table, build_table
from mosforge.report.tabletext import gains_csv, splits_csv, spread_words, table_csv, table_markdown

STARTS = {"FT": "imagenet", "CLS+REG": "tiles-multitask", "FSIMc": "fsim"}


def read(results: Path, name: str) -> pd.DataFrame:
    return read_table(results / f"evaluation/{name}.parquet", CORRELATIONS)


@pytest.fixture(scope="module")
def within(results: Path) -> Table:
    return build_table("table1", read(results, "table1"), proxies=["own"], sizes={"tid2013": 3000})


def csv_rows(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_csv(table))))


def test_measured_values_are_numpys_medians(within: Table, results: Path) -> None:
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


def average_of(table: Table, measure: str = "srocc") -> dict[str, float]:
    """Method -> weighted average."""
    return {
        line["method"]: float(line["value"])
        for line in csv_rows(table)
        if (line["test_dataset"], line["metric"]) == (AVERAGE, measure)
    }


def test_the_average_uses_the_given_sizes_and_else_the_test_images() -> None:
    table = build_table("mine", of_datasets("tid2013", "live", "own"), sizes={"tid2013": 3000})
    wanted = (0.5 * 3000 + 0.6 * 100 + 0.7 * 100) / 3200
    assert average_of(table)["FT"] == pytest.approx(wanted, abs=1e-3)
    assert average_of(table, "rmse")["FT"] == pytest.approx(wanted - 0.04, abs=1e-3)


def test_a_proxy_is_in_no_average(within: Table) -> None:
    """`own` is one, so that tid2013 is left alone, and a mean over it would be no mean."""
    assert average_of(within) == {}
    both = build_table("mine", of_datasets("tid2013", "live", "own"), proxies=["own"])
    assert average_of(both)["FT"] == pytest.approx(0.55, abs=1e-3)
    assert any(note.startswith("Weighted average: over tid2013 and live, weighted") for note in both.notes)


@pytest.mark.parametrize(
    ("others", "proxies", "published"),
    [((), (), True), (("own",), ("own",), True), (("own",), (), False)],
)
def test_measured_and_published_averages_go_over_the_same_datasets(
    others: tuple[str, ...], proxies: tuple[str, ...], published: bool
) -> None:
    table = build_table("table1", of_datasets(*PAPERS, *others), proxies=proxies)
    found = average_of(table)
    assert ("Proposed" in found) == published
    assert found["FT"] == pytest.approx(0.6 if published else 0.65, abs=1e-3)
    (note,) = (note for note in table.notes if note.startswith("Weighted average"))
    assert (note == PLAIN_AVERAGE) == published
    places = [place for place, column in enumerate(table.columns) if column.average]
    marks = {cell.mark for row in table.rows for place in places if (cell := row.cells[place])}
    assert marks == {""}
    if not published:
        assert "live, csiq, tid2013 and own, weighted" in note
        assert "the paper's goes over live, csiq and tid2013, and does not stand beside it" in note


def test_a_part_of_the_papers_datasets_has_no_published_average() -> None:
    table = build_table("table1", of_datasets("live", "csiq"))
    assert set(average_of(table)) == {"FT"}
    assert "Proposed" in {row.method for row in table.published}
    assert any("over live and csiq, weighted" in note for note in table.notes)


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
    spread = f"95% {interval(*cell.interval)}; splits {number(low)} to {number(high)}"
    assert f"{number(cell.value)} ({spread})" in body[0]
    assert any(line.startswith("| Proposed (published) | **0.895**") for line in body)
    assert sum(BY_ORDER in line for line in lines) == 1


def test_across_datasets_each_pair_is_a_column(results: Path) -> None:
    table = build_table("table3", read(results, "table3"), proxies=["own"])
    shown = [(column.train, column.test, column.measure) for column in table.shown.columns]
    assert shown[:2] == [("live", "csiq", "srocc"), ("live", "own", "srocc")]
    assert len(shown) == 6
    assert len(table.columns) == 6 * len(MEASURES)
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
    nothing = read(results, "table1").iloc[:0]
    table = build_table("table2", nothing, left_out=["livec: not there"])
    assert table.notes == ("Nothing was measured.", "livec: not there")
    assert len(csv_rows(table)) == 0
    assert "Nothing was measured." in table_markdown(table)
    assert splits_csv("table2", nothing, ()).count("\n") == 1
    assert gains_csv("table2", paired_differences(nothing, no_predictions), ()).count("\n") == 1


def test_the_lowest_error_is_the_best() -> None:
    rows = [
        measured(Run("own", "1", name, "imagenet", "own"), srocc) for name, srocc in (("a", 0.5), ("b", 0.6))
    ]
    marks = {
        (line["metric"], line["backbone"])
        for line in csv_rows(build_table("mine", pd.DataFrame(rows)))
        if line["mark"] == "best"
    }
    assert marks == {("rmse", "a"), *((measure, "b") for measure in MEASURES if measure != "rmse")}


def test_the_other_files_tell_each_split_and_each_gain(results: Path) -> None:
    rows = read(results, "table1")
    lines = list(csv.DictReader(io.StringIO(splits_csv("table1", rows, ["own"]))))
    assert len(lines) == len(rows)
    for line, (_, row) in zip(lines, rows.iterrows(), strict=True):
        assert [line[key] for key in RUN] == [row[key] for key in RUN]
        for measure in MEASURES:
            for end in ("", "_low", "_high"):
                assert float(line[f"{measure}{end}"]) == pytest.approx(row[f"{measure}{end}"], abs=1e-5)
        assert line["note"] == (PROXY if line["dataset"] == "own" else "")
    gains = paired_differences(rows, no_predictions)
    lines = list(csv.DictReader(io.StringIO(gains_csv("table1", gains, ["own"]))))
    assert [(line["method"], line["against"], line["test_dataset"]) for line in lines] == [
        ("CLS+REG", "FT", "tid2013"),
        ("CLS+REG", "FT", "own"),
    ]
    for line, gain in zip(lines, gains, strict=True):
        assert float(line["difference"]) == pytest.approx(gain.value, abs=1e-5)
        assert (line["interval_over"], line["splits"]) == ("splits", "3")
        assert line["note"] == (PROXY if line["test_dataset"] == "own" else "")


def test_an_official_split_can_be_read_alone() -> None:
    rows = correlations({("net", "imagenet"): [0.5, 0.6, 0.7], ("net", "t-cls"): [0.55, 0.65, 0.75]})
    rows["split"] = rows["split"].replace({"1": "official"})
    (table,) = split_tables(rows)
    assert table.splits == ("official", "0", "2")
    assert table.images == (101, 100, 102)
    assert [method for method, _, _ in table.rows] == ["FT", "CLS"]
    assert [cells[0]["srocc"] for *_, cells in table.rows if cells[0] is not None] == [0.6, 0.65]
    assert split_tables(rows[rows["split"] == "official"]) == []


OURS = {
    "evaluation": {"crops": 8},
    "finetuning": {
        **{"patches": 4, "epochs": 10, "learning_rates": {"backbone": 1e-4, "head": 1e-5}},
        **{"dropout": 0.2, "gradient_clip": 0.0, "multi_level": True},
    },
    "pretraining": {
        **{"epochs": 30, "schedule": "cosine", "resize": 0, "agreement_scale": 0.1},
        "loss_weights": {"classification": 0.5, "score": 1.0},
    },
    "weights": {"resnet50": "none", "alexnet": "torchvision", "resnet18": "own.pth"},
    "corpora": {"bsds": {"photographs": 500}, "mixed": {"mixtures": 700000}},
    "rates": {"synthetic": {"backbone": 1e-4, "score": 1e-3}, "unified": {"backbone": 1.0}},
}


def test_another_protocol_is_told_and_the_papers_own_is_not() -> None:
    assert differences("table1", ["resnet50"], {}) == []
    assert differences("ablation", ["resnet50", "alexnet"], {"evaluation": {"crops": 60}}) == []
    assert differences("table1", ["resnet50", "alexnet"], OURS) == [
        "backbone alexnet (resnet50)",
        "first weights of resnet50 random (of ImageNet)",
        "first weights of resnet18 from own.pth (of ImageNet)",
        "photographs in the corpus bsds 500 (21,869)",
        "crops of a test image 8 (60)",
        "crops of a training image in fine-tuning 4 (100)",
        "dropout in fine-tuning 0.2 (0.5)",
        "features of all stages of the backbone in fine-tuning yes (no)",
        "pixels of the side that pictures are scaled to in pretraining none (256)",
        "schedule of the learning rates in pretraining cosine (constant)",
        "factors of the losses in pretraining classification 0.5, score 1 (classification 1, score 1)",
        "weighting of labels by the agreement of their metrics in pretraining 0.1 (none)",
        "learning rates of fine-tuning: backbone 0.0001 (1e-05)",
        "learning rates of synthetic pretraining: score branch 0.001 (1e-06)",
    ]
    notes = build_table("table1", of_datasets("live"), protocol=OURS).notes
    (told,) = (note for note in notes if note.startswith("Measured otherwise than in the paper"))
    assert "backbone net (resnet50); first weights of resnet50 random (of ImageNet);" in told
    assert any("it does not state how many splits it used (here 2)" in note for note in notes)


def test_a_single_split_shows_its_interval_over_images(results: Path) -> None:
    rows = read(results, "table1")
    table = build_table("mine", rows[rows["split"] == "1"], proxies=["own"])
    cell = table.rows[0].cells[0]
    assert cell is not None
    assert cell.spreads == [("95%", pytest.approx((cell.value - 0.03, cell.value + 0.02)))]
    (words,) = spread_words(table)
    assert words == "With a value, “95%” is the interval over 1,000 resamples of the test images."
    line = csv_rows(table)[0]
    assert float(line["low"]) == pytest.approx(cell.value - 0.03, abs=1e-5)


def test_a_measure_without_a_network_is_a_row_with_its_paper_name(within: Table) -> None:
    row = next(row for row in within.rows if row.method == "FSIMc" and not row.published)
    assert row.backbone == ""
    assert row.cells[-1] is None, "the other dataset has no undistorted pictures"
    assert "| FSIMc | " in table_markdown(within)
    assert any(note.startswith("FSIMc sees the undistorted picture") for note in within.notes)


def test_a_logistic_that_does_not_converge_is_told(results: Path) -> None:
    rows = read(results, "table1")
    rows.loc[0, "mapping"] = "none"
    notes = build_table("table1", rows).notes
    told = [note for note in notes if "did not converge" in note]
    assert told == [
        "FT, efficientnet_lite0, on tid2013: the logistic did not converge in 1 of 3 splits; the raw PLCC "
        "and RMSE stand there."
    ]


def test_each_model_whose_logistic_does_not_converge_has_its_line() -> None:
    pairs = [("live", "csiq"), ("tid2013", "csiq")]
    values = {(*pair, network, "imagenet"): 0.5 for pair in pairs for network in ("net", "other")}
    notes = build_table("t", crossed(values).assign(mapping="none")).notes
    told = [note.partition(":")[0] for note in notes if "the logistic did not converge; the raw" in note]
    assert told == [f"FT, {network}, on {' → '.join(pair)}" for *pair, network, _ in values]


@pytest.mark.parametrize(("images", "srocc"), [(3, 0.5), (100, math.nan)])
def test_a_standard_error_that_is_not_defined_is_no_number(images: int, srocc: float) -> None:
    rows = pd.DataFrame([measured(Run("own", "1", "net", "imagenet", "own"), srocc, images)])
    (note,) = (note for note in build_table("t", rows).notes if note.startswith("Small data"))
    assert note.startswith(f"Small data, own: with {images} test images no standard error of an SROCC can be")


def test_a_second_best_is_named_where_there_may_be_one() -> None:
    several = {("net", f"{name}-multitask"): [0.5] for name in "abc"}
    for count in (2, 3):
        rows = correlations(dict(list(several.items())[:count]))
        assert ("second best" in table_markdown(build_table("t", rows))) == (count == 3)
