"""The packaged numbers of the paper, against values read off its tables."""

import pytest

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


def test_an_experiment_gets_the_rows_of_its_own_datasets_alone() -> None:
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
