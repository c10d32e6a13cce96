"""The packaged numbers of the paper, against values read off its tables."""

import re

import pytest

from mosforge.report.blocks import say
from mosforge.report.published import AVERAGE, published_for, published_results


@pytest.mark.parametrize(
    ("table", "method", "train", "test", "metric", "value"),
    [
        (1, "Proposed", "tid2013", "tid2013", "srocc", 0.895),
        (1, "Proposed", AVERAGE, AVERAGE, "plcc", 0.945),
        (1, "Baseline", "live", "live", "srocc", 0.950),
        (2, "Proposed", "koniq10k", "koniq10k", "srocc", 0.912),
        (2, "DB-CNN", "livec", "livec", "plcc", 0.869),
        (3, "Proposed", "live", "csiq", "srocc", 0.763),
        (3, "SGDNet", "livec", "tid2013", "srocc", 0.229),
    ],
)
def test_values_of_the_paper(
    table: int, method: str, train: str, test: str, metric: str, value: float
) -> None:
    rows = published_results()
    keys = {"table": table, "method": method, "train_dataset": train, "test_dataset": test, "metric": metric}
    for name, wanted in keys.items():
        rows = rows[rows[name] == wanted]
    assert list(rows["value"]) == [value]


def test_each_number_stands_once_and_the_methods_in_the_papers_order() -> None:
    rows = published_results()
    assert len(rows) == 257
    assert not rows.drop(columns="value").duplicated().any()
    table2 = list(dict.fromkeys(rows.loc[rows["table"] == 2, "method"]))
    assert table2[:3] == ["BRISQUE", "FRIQUEE", "WaDIQaM"]
    assert table2[-1] == "Proposed"


def test_an_experiment_gets_only_the_rows_of_its_own_datasets() -> None:
    rows = published_for("table1", [("tid2013", "tid2013")])
    assert set(rows["test_dataset"]) == {"tid2013"}
    assert rows["method"].nunique() == 19


def test_the_average_needs_all_datasets_that_the_paper_averaged() -> None:
    three = [(name, name) for name in ("live", "csiq", "tid2013")]
    assert AVERAGE in set(published_for("table1", three)["test_dataset"])
    assert AVERAGE not in set(published_for("table1", three[:2])["test_dataset"])


def test_other_experiments_and_other_datasets_have_none() -> None:
    assert published_for("ablation", [("tid2013", "tid2013")]).empty
    assert published_for("table2", [("biq2021", "biq2021")]).empty


def test_the_papers_averages_are_plain_means() -> None:
    """Except for four values, each of which `plain_average` names."""
    every = published_results()
    rows = every[every["table"] == 1].pivot_table(
        index=["method", "metric"], columns="test_dataset", values="value"
    )
    printed, of_datasets = rows.pop(AVERAGE), rows[["live", "csiq", "tid2013"]]
    plain = of_datasets.mean(axis=1)
    others = printed[(plain - printed).abs() > 0.001]  # what rounding to three digits can make
    srocc, plcc = ("Proposed", "srocc"), ("DMIR-IQA", "plcc")
    assert set(others.index) == {("Deep-FL", "srocc"), ("Deep-FL", "plcc"), plcc, srocc}
    by_images = (of_datasets * [779, 866, 3000]).sum(axis=1) / 4645
    assert by_images["Deep-FL"].tolist() == pytest.approx(printed["Deep-FL"].tolist(), abs=1e-3)
    for method, name in ((srocc, "Proposed's SROCC"), (plcc, "DMIR-IQA's PLCC")):
        (told,) = (part for part in say("plain_average").split(";") if name in part)
        values = (printed[method], plain[method], by_images[method])
        assert [f"{value:.3f}" for value in values] == re.findall(r"0\.\d{3}", told)
    assert "Deep-FL's are weighted" in say("plain_average")
