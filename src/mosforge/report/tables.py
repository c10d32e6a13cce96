"""One table an experiment: measured rows beside the paper's, best and second best marked."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mosforge.configuration import corpus_and_objective
from mosforge.report.notes import table_notes
from mosforge.report.published import AVERAGE, published_for
from mosforge.report.summary import backbone_of, method_of, summarise, weighted_mean

NOTHING = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Column:
    """What the numbers of a column have in common."""

    train: str
    test: str
    measure: str
    splits: str = ""
    images: int = 0
    proxy: bool = False

    @property
    def cross(self) -> bool:
        return self.train != self.test

    @property
    def average(self) -> bool:
        return self.test == AVERAGE


@dataclass(frozen=True)
class Cell:
    """A median over splits, or a published number, which has a value alone.

    Attributes:
        value: the number.
        quartiles: over splits.
        interval: 95% over resampled test images; of several splits the median ends.
        splits: how many were measured.
        images: how many were tested on.
        mark: `best`, `second` or nothing.
    """

    value: float
    quartiles: tuple[float, float] = NOTHING
    interval: tuple[float, float] = NOTHING
    splits: int = 0
    images: int = 0
    mark: str = ""

    @property
    def spread(self) -> tuple[float, float] | None:
        """What is shown beside the value: the quartiles of several splits, the interval of a single one."""
        ends = self.quartiles if self.splits > 1 else self.interval
        return ends if np.isfinite(ends).all() else None


@dataclass(frozen=True)
class Row:
    """A method's numbers, one a column; None where it has none."""

    method: str
    backbone: str
    published: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Table:
    """A whole table, ready to be written as text or HTML."""

    experiment: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def measured(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.published)

    @property
    def published(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.published)


def build_table(
    experiment: str,
    correlations: pd.DataFrame,
    *,
    proxies: Collection[str] = (),
    left_out: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> Table:
    """The table of an experiment.

    Args:
        experiment: its name; `table1`, `table2` and `table3` get the paper's rows for the same datasets.
        correlations: rows of the artefact `correlations`.
        proxies: datasets whose scores are no human ones; nothing published is set beside them.
        left_out: lines about what could not be measured, repeated below the table.
        sizes: dataset -> number of images, the weights of the average; the test images where not given.
    """
    if correlations.empty:
        return Table(experiment, (), (), ("Nothing was measured.", *left_out))
    summary = summarise(correlations)
    labels = _labels(summary)
    pairs = list(dict.fromkeys(zip(summary["dataset"], summary["test_dataset"], strict=True)))
    columns = _columns(summary, pairs, set(proxies))
    weights = {test: int(summary.loc[summary["test_dataset"] == test, "images"].max()) for _, test in pairs}
    weights |= {name: size for name, size in (sizes or {}).items() if name in weights}
    rows = [
        Row(str(method), backbone_of(str(backbone)), False, _measured_cells(group, columns, weights))
        for (method, backbone), group in summary.groupby([labels, "backbone"], sort=False)
    ]
    human = [pair for pair in pairs if not {*pair} & set(proxies)]
    rows += _published_rows(experiment, human, columns)
    notes = table_notes(experiment, summary, pairs, human, proxies, any(row.published for row in rows))
    return Table(experiment, columns, _mark(rows), (*notes, *left_out))


def _labels(summary: pd.DataFrame) -> "pd.Series[str]":
    """Names of methods; the corpus is part of a name where the same objective used several."""
    methods = summary["initialisation"].map(method_of)
    keys = [summary[name] for name in ("dataset", "backbone", "test_dataset")]
    if not pd.concat([*keys, methods], axis=1).duplicated().any():
        return methods.rename("method")
    corpora = summary["initialisation"].map(lambda name: corpus_and_objective(name)[0])
    return methods.where(corpora == "", methods + " from " + corpora).rename("method")


def _columns(
    summary: pd.DataFrame, pairs: Sequence[tuple[str, str]], proxies: set[str]
) -> tuple[Column, ...]:
    """SROCC and PLCC of each dataset and of their weighted average; across datasets SROCC, as in Table 3."""
    cross = any(train != test for train, test in pairs)
    columns = []
    for train, test in pairs:
        rows = summary[(summary["dataset"] == train) & (summary["test_dataset"] == test)]
        counts = sorted(set(rows["splits"]))
        splits = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        proxy = bool({train, test} & proxies)
        images = int(rows["images"].max())
        columns += [
            Column(train, test, measure, splits, images, proxy)
            for measure in (("srocc",) if cross else ("srocc", "plcc"))
        ]
    if not cross and len(pairs) > 1:
        proxy = any(column.proxy for column in columns)
        columns += [Column(AVERAGE, AVERAGE, measure, proxy=proxy) for measure in ("srocc", "plcc")]
    return tuple(columns)


def _measured_cells(
    group: pd.DataFrame, columns: Sequence[Column], weights: Mapping[str, int]
) -> tuple[Cell | None, ...]:
    of_pair = {(row["dataset"], row["test_dataset"]): row for _, row in group.iterrows()}
    datasets = {column.test for column in columns if not column.average}
    cells: list[Cell | None] = []
    for column in columns:
        row = of_pair.get((column.train, column.test))
        if row is not None:
            quartiles, interval = (
                (row[f"{column.measure}_{low}"], row[f"{column.measure}_{high}"])
                for low, high in (("q25", "q75"), ("low", "high"))
            )
            cells.append(Cell(row[column.measure], quartiles, interval, row["splits"], row["images"]))
        elif column.average and len(of_pair) == len(datasets):
            values = {test: row[column.measure] for (_, test), row in of_pair.items()}
            cells.append(Cell(weighted_mean(values, weights)))
        else:
            cells.append(None)
    return tuple(cells)


def _published_rows(
    experiment: str, pairs: Sequence[tuple[str, str]], columns: Sequence[Column]
) -> list[Row]:
    rows = []
    for method, group in published_for(experiment, pairs).groupby("method", sort=False):
        keys = zip(group["train_dataset"], group["test_dataset"], group["metric"], strict=True)
        values = dict(zip(keys, group["value"], strict=True))
        cells = tuple(
            Cell(values[key]) if (key := (column.train, column.test, column.measure)) in values else None
            for column in columns
        )
        if any(cells):
            rows.append(Row(str(method), "", True, cells))
    return rows


def _mark(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Marks the best value of each column, and from three rows on the second best, at three decimals."""
    marked = [list(row.cells) for row in rows]
    for place in range(len(rows[0].cells) if rows else 0):
        cells = [(line, cell) for line in marked if (cell := line[place]) is not None]
        ranks = sorted({round(cell.value, 3) for _, cell in cells if np.isfinite(cell.value)}, reverse=True)
        marks = dict(zip(ranks, ("best", "second"), strict=False)) if len(cells) > 1 else {}
        for line, cell in cells:
            mark = marks.get(round(cell.value, 3), "")
            if mark == "best" or len(cells) > 2:
                line[place] = dataclasses.replace(cell, mark=mark)
    return tuple(dataclasses.replace(row, cells=tuple(line)) for row, line in zip(rows, marked, strict=True))
