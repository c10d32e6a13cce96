"""The numbers that the paper printed (Tables 1 to 3), to stand beside what was measured."""

from collections.abc import Collection
from functools import cache
from importlib import resources

import pandas as pd

TABLE_OF = {"table1": 1, "table2": 2, "table3": 3}
"""Experiment -> the paper's table that it repeats; the ablation (Fig. 3) was published as bars alone."""

AVERAGE = "weighted_average"
"""The "dataset" of Table 1's last column."""


@cache
def published_results() -> pd.DataFrame:
    """Every number of the paper's Tables 1 to 3.

    Returns:
        Columns `table` (1 to 3), `method`, `protocol` (`within` or `cross`), `train_dataset`,
        `test_dataset`, `metric` (`srocc` or `plcc`) and `value`, in the paper's order.
    """
    with (resources.files("mosforge.report") / "data" / "published_results.csv").open(
        encoding="utf-8"
    ) as file:
        return pd.read_csv(file)


def published_for(experiment: str, pairs: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The published rows that an experiment's measurements may be compared with.

    Args:
        experiment: name of the experiment; only `table1`, `table2` and `table3` have published numbers.
        pairs: (training dataset, test dataset) of the measured columns.

    Returns:
        Rows of `published_results` for those pairs. The weighted average is among them only where the
        pairs are the very datasets that the paper averaged over.
    """
    every = published_results()
    rows = every[every["table"] == TABLE_OF.get(experiment, 0)]
    of_pair = [pair in set(pairs) for pair in zip(rows["train_dataset"], rows["test_dataset"], strict=True)]
    alike = set(averaged_over(experiment)) == {test for _, test in pairs}
    averaged = rows["test_dataset"].eq(AVERAGE) & alike
    return rows[pd.Series(of_pair, index=rows.index, dtype=bool) | averaged]


def averaged_over(experiment: str) -> list[str]:
    """The datasets that the paper's weighted average of an experiment goes over; empty without one."""
    every = published_results()
    tests = every.loc[every["table"] == TABLE_OF.get(experiment, 0), "test_dataset"]
    names = list(dict.fromkeys(tests))
    return [name for name in names if name != AVERAGE] if AVERAGE in names else []
