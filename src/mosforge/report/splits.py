"""The numbers of each split by itself, among them those of a dataset's official one."""

from dataclasses import dataclass

import pandas as pd

from mosforge.report.methods import backbone_of, method_names
from mosforge.report.summary import MODEL

OFFICIAL = "official"


@dataclass(frozen=True)
class SplitTable:
    """A dataset's splits side by side.

    Attributes:
        dataset: its name.
        splits: names of the splits, the official one first.
        images: test images of each.
        rows: method and backbone, with the row of `correlations` of each split, None where there is none.
    """

    dataset: str
    splits: tuple[str, ...]
    images: tuple[int, ...]
    rows: tuple[tuple[str, str, tuple["pd.Series[float] | None", ...]], ...]


def split_tables(correlations: pd.DataFrame) -> list[SplitTable]:
    """A table for each dataset that was measured in several splits."""
    rows = per_split(correlations)
    within = rows[rows["dataset"] == rows["test_dataset"]]
    tables = (_split_table(str(dataset), found) for dataset, found in within.groupby("dataset", sort=False))
    return [table for table in tables if len(table.splits) > 1]


def per_split(correlations: pd.DataFrame) -> pd.DataFrame:
    """The rows of `correlations`, each once, with their `method`; of each model the official split first."""
    names = method_names(correlations)
    rows = correlations.drop_duplicates([*MODEL, "split"])
    rows = rows.assign(method=rows["initialisation"].map(names))
    return rows.sort_values("split", key=lambda split: split != OFFICIAL, kind="stable")


def _split_table(dataset: str, rows: pd.DataFrame) -> SplitTable:
    splits = tuple(dict.fromkeys(rows["split"]))
    lines = []
    for (method, backbone), found in rows.groupby(["method", "backbone"], sort=False):
        of_split = {str(row["split"]): row for _, row in found.iterrows()}
        lines.append((str(method), backbone_of(str(backbone)), tuple(of_split.get(name) for name in splits)))
    images = tuple(int(rows.loc[rows["split"] == name, "images"].max()) for name in splits)
    return SplitTable(dataset, splits, images, tuple(lines))


def split_words(name: str) -> str:
    """A split's name for people."""
    return "official split" if name == OFFICIAL else f"split {name}"
