"""One table an experiment: measured rows beside the paper's, best and second best marked."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core.schemas.correlations import MEASURES
from mosforge.report.methods import backbone_of, method_names
from mosforge.report.notes import table_notes
from mosforge.report.published import AVERAGE, published_for
from mosforge.report.summary import summarise, weighted_mean

Ends = tuple[float, float]

NOTHING: Ends = (float("nan"), float("nan"))


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

    @property
    def shown(self) -> bool:
        """Whether the paper's tables have such a column: SROCC and PLCC, across datasets SROCC alone."""
        return self.measure == "srocc" or (self.measure == "plcc" and not self.cross)

    @property
    def pair(self) -> tuple[str, str]:
        return self.train, self.test


@dataclass(frozen=True)
class Cell:
    """A median over splits, or a published number, which has a value alone.

    Attributes:
        value: the number.
        quartiles: over splits; none of a single one.
        interval: 95% over resampled test images; of several splits the median ends.
        splits: how many were measured.
        images: how many were tested on.
        mark: `best`, `second` or nothing.
    """

    value: float
    quartiles: Ends = NOTHING
    interval: Ends = NOTHING
    splits: int = 0
    images: int = 0
    mark: str = ""

    @property
    def spreads(self) -> list[tuple[str, Ends]]:
        """What is shown with the value, each with the word that says what it is."""
        every = [("95%", self.interval), ("splits", self.quartiles)]
        return [(word, ends) for word, ends in every if np.isfinite(ends).all()]


@dataclass(frozen=True)
class Row:
    """A method's numbers, one a column; None where it has none."""

    method: str
    backbone: str
    published: bool
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Table:
    """A whole table, every measure in it, ready to be written as text or HTML."""

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

    @property
    def shown(self) -> "Table":
        """The table with the paper's columns alone."""
        places = [place for place, column in enumerate(self.columns) if column.shown]
        columns = tuple(self.columns[place] for place in places)
        rows = (dataclasses.replace(row, cells=tuple(row.cells[i] for i in places)) for row in self.rows)
        return dataclasses.replace(self, columns=columns, rows=tuple(rows))

    @property
    def measured_lines(self) -> Iterator[tuple[Row, Column, list[Cell]]]:
        """A method's cells of one dataset, one a measure, with the first one's column."""
        for row in self.measured:
            placed = zip(self.columns, row.cells, strict=True)
            for _, found in groupby(placed, key=lambda item: item[0].pair):
                columns, cells = zip(*found, strict=True)
                if all(cells):
                    yield row, columns[0], list(cells)

    def sroccs(self, pair: tuple[str, str]) -> list[tuple[Row, Cell]]:
        """The measured rows that have a cell for this training and test dataset, and their SROCC there."""
        keys = [(column.pair, column.measure) for column in self.columns]
        place = keys.index((pair, "srocc"))
        return [(row, cell) for row in self.measured if (cell := row.cells[place]) is not None]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Training and test dataset of every column but the average's, each pair once."""
        return list(dict.fromkeys(column.pair for column in self.columns if not column.average))


def build_table(
    experiment: str,
    correlations: pd.DataFrame,
    *,
    proxies: Collection[str] = (),
    left_out: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
    protocol: Mapping[str, Any] | None = None,
) -> Table:
    """The table of an experiment.

    Args:
        experiment: its name; `table1`, `table2` and `table3` get the paper's rows for the same datasets.
        correlations: rows of the artefact `correlations`.
        proxies: datasets whose scores are no human ones; nothing published is set beside them, and they
            are in no average.
        left_out: lines about what could not be measured, repeated below the table.
        sizes: dataset -> number of images, the weights of the average; the test images where not given.
        protocol: how it was measured, as `protocol.differences` takes it.
    """
    if correlations.empty:
        return Table(experiment, (), (), ("Nothing was measured.", *left_out))
    summary = summarise(correlations)
    labels = summary["initialisation"].map(method_names(summary)).rename("method")
    pairs = list(dict.fromkeys(zip(summary["dataset"], summary["test_dataset"], strict=True)))
    human = [pair for pair in pairs if not {*pair} & set(proxies)]
    columns = _columns(summary, pairs, human)
    weights = {test: int(summary.loc[summary["test_dataset"] == test, "images"].max()) for _, test in human}
    weights |= {name: size for name, size in (sizes or {}).items() if name in weights}
    rows = [
        Row(str(method), backbone_of(str(backbone)), False, _measured_cells(group, columns, weights))
        for (method, backbone), group in summary.groupby([labels, "backbone"], sort=False)
    ]
    rows += _published_rows(experiment, human, columns)
    notes = table_notes(
        experiment,
        summary.assign(method=labels),
        pairs,
        human,
        proxies,
        published=any(row.published for row in rows),
        averaged=any(column.average for column in columns),
        protocol=protocol or {},
    )
    return Table(experiment, columns, _mark(columns, rows), (*notes, *left_out))


def _columns(
    summary: pd.DataFrame, pairs: Sequence[tuple[str, str]], human: Sequence[tuple[str, str]]
) -> tuple[Column, ...]:
    """The measures of each dataset, and of the weighted average over those with human scores."""
    columns = []
    for train, test in pairs:
        rows = summary[(summary["dataset"] == train) & (summary["test_dataset"] == test)]
        counts = sorted(set(rows["splits"]))
        splits = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        images = int(rows["images"].max())
        proxy = (train, test) not in human
        columns += [Column(train, test, measure, splits, images, proxy) for measure in MEASURES]
    if len(human) > 1 and all(train == test for train, test in pairs):
        columns += [Column(AVERAGE, AVERAGE, measure) for measure in MEASURES]
    return tuple(columns)


def _measured_cells(
    group: pd.DataFrame, columns: Sequence[Column], weights: Mapping[str, int]
) -> tuple[Cell | None, ...]:
    of_pair = {(row["dataset"], row["test_dataset"]): row for _, row in group.iterrows()}
    human = {test: row for (_, test), row in of_pair.items() if test in weights}
    cells: list[Cell | None] = []
    for column in columns:
        row = of_pair.get(column.pair)
        if row is not None:
            cells.append(_cell(row, column.measure))
        elif column.average and len(human) == len(weights):
            values = {test: row[column.measure] for test, row in human.items()}
            cells.append(Cell(weighted_mean(values, weights)))
        else:
            cells.append(None)
    return tuple(cells)


def _cell(row: "pd.Series[Any]", measure: str) -> Cell:
    quartiles, interval = (
        (float(row[f"{measure}_{low}"]), float(row[f"{measure}_{high}"]))
        for low, high in (("q25", "q75"), ("low", "high"))
    )
    several = row["splits"] > 1
    return Cell(row[measure], quartiles if several else NOTHING, interval, row["splits"], row["images"])


def _published_rows(
    experiment: str, pairs: Sequence[tuple[str, str]], columns: Sequence[Column]
) -> list[Row]:
    rows = []
    for method, group in published_for(experiment, pairs).groupby("method", sort=False):
        keys = zip(group["train_dataset"], group["test_dataset"], group["metric"], strict=True)
        values = dict(zip(keys, group["value"], strict=True))
        cells = tuple(
            Cell(values[key]) if (key := (*column.pair, column.measure)) in values else None
            for column in columns
        )
        if any(cells):
            rows.append(Row(str(method), "", True, cells))
    return rows


def _mark(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Row, ...]:
    """Marks the best value of each column, and from three rows on the second best, at three decimals.

    An average of the paper's is not taken as ours is (`notes.PLAIN_AVERAGE`): beside one, none is marked.
    """
    marked = [list(row.cells) for row in rows]
    for place, column in enumerate(columns):
        cells = [(line, cell) for line in marked if (cell := line[place]) is not None]
        if column.average and any(row.published and row.cells[place] for row in rows):
            continue
        values = {round(cell.value, 3) for _, cell in cells if np.isfinite(cell.value)}
        ranks = sorted(values, reverse=column.measure != "rmse")
        marks = dict(zip(ranks, ("best", "second"), strict=False)) if len(cells) > 1 else {}
        for line, cell in cells:
            mark = marks.get(round(cell.value, 3), "")
            if mark == "best" or len(cells) > 2:
                line[place] = dataclasses.replace(cell, mark=mark)
    return tuple(dataclasses.replace(row, cells=tuple(line)) for row, line in zip(rows, marked, strict=True))
