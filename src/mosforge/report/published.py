"""The numbers that the paper printed (Tables 1 to 3), to stand beside what was measured."""

from collections.abc import Collection
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

TABLE_OF = {"table1": 1, "table2": 2, "table3": 3}
"""Experiment -> the paper's table that it repeats; the ablation (Fig. 3) was published only as bars."""

AVERAGE = "weighted_average"
"""The "dataset" of Table 1's last column."""


@cache
def published_results() -> pd.DataFrame:
    """Every number of the paper's Tables 1 to 3.

    Returns:
        Columns `table` (1 to 3), `method`, `train_dataset`, `test_dataset`, `metric` (`srocc` or `plcc`) and
        `value`; the methods are in the paper's order.
    """
    with (resources.files("mosforge.report") / "data" / "published_results.csv").open() as file:
        printed = pd.read_csv(file)
    keys = ["table", "method", "train_dataset"]
    rows = printed.melt(keys, ignore_index=False).dropna(subset="value").sort_index(kind="stable")
    rows[["test_dataset", "metric"]] = rows.pop("variable").str.split(" ", expand=True)
    rows["train_dataset"] = rows["train_dataset"].fillna(rows["test_dataset"])
    return rows.reset_index(drop=True)


def published_for(experiment: str, pairs: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The published rows that an experiment's measurements may be compared with.

    Args:
        experiment: name of the experiment; only `table1`, `table2` and `table3` have published numbers.
        pairs: (training dataset, test dataset) of what was measured.

    Returns:
        Rows of `published_results` for those pairs. The weighted average is among them only if the pairs are
        the very datasets that the paper averaged over.
    """
    every = published_results()
    rows = every[every["table"] == TABLE_OF.get(experiment, 0)]
    is_alike = set(averaged_over(experiment)) == {test for _, test in pairs}
    return rows[pairs_of(rows).isin([*pairs, *([(AVERAGE, AVERAGE)] if is_alike else [])])]


def averaged_over(experiment: str) -> list[str]:
    """The datasets that the paper's weighted average of an experiment goes over; empty if it has none."""
    every = published_results()
    names = list(dict.fromkeys(every.loc[every["table"] == TABLE_OF.get(experiment, 0), "test_dataset"]))
    return [name for name in names if name != AVERAGE] if AVERAGE in names else []


def pairs_of(numbers: pd.DataFrame) -> "pd.Series[Any]":
    """Training and test dataset of each row."""
    pairs = list(zip(numbers["train_dataset"], numbers["test_dataset"], strict=True))
    return pd.Series(pairs, index=numbers.index, dtype=object)
