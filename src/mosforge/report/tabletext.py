"""A table as CSV for programs and as Markdown for people."""

import csv
import io
import math
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from mosforge.core.runs import RUN
from mosforge.core.schemas.correlations import MEASURES
from mosforge.report.differences import Difference
from mosforge.report.notes import BY_ORDER, PROXY
from mosforge.report.splits import per_split
from mosforge.report.summary import MEASURE_NAMES, interval, number, pair_words
from mosforge.report.tables import Cell, Column, Row, Table

_CSV_COLUMNS = (
    "experiment",
    "origin",
    "method",
    "backbone",
    "train_dataset",
    "test_dataset",
    "metric",
    "value",
    "q25",
    "q75",
    "low",
    "high",
    "splits",
    "images",
    "mark",
    "note",
)


_GAIN_COLUMNS = (
    "experiment",
    "method",
    "against",
    "backbone",
    "train_dataset",
    "test_dataset",
    "metric",
    "difference",
    "low",
    "high",
    "interval_over",
    "splits",
    "images",
    "note",
)


def table_csv(table: Table) -> str:
    """One line a number, in the columns of the published results and those that a measurement adds."""
    return _csv(
        _CSV_COLUMNS,
        (
            _csv_line(table.experiment, row, column, cell)
            for row in table.rows
            for column, cell in zip(table.columns, row.cells, strict=True)
            if cell is not None
        ),
    )


def gains_csv(experiment: str, gains: Sequence[Difference], proxies: Collection[str]) -> str:
    """One line a difference of two methods."""
    return _csv(
        _GAIN_COLUMNS,
        (
            [
                *(experiment, item.method, item.base, item.backbone, item.train, item.test, "srocc"),
                *map(_plain, (item.value, item.low, item.high)),
                *(item.over, item.splits, item.images),
                PROXY if {item.train, item.test} & set(proxies) else "",
            ]
            for item in gains
        ),
    )


def splits_csv(experiment: str, correlations: pd.DataFrame, proxies: Collection[str]) -> str:
    """One line a model and split, with every measure and its interval, in the order of `per_split`."""
    measures = [f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")]
    rows = per_split(correlations).to_dict("records")
    return _csv(
        ("experiment", "method", *RUN, "images", *measures, "mapping", "note"),
        (
            [
                *(experiment, row["method"], *(row[key] for key in RUN), row["images"]),
                *(_plain(row[measure]) for measure in measures),
                row["mapping"],
                PROXY if {row["dataset"], row["test_dataset"]} & set(proxies) else "",
            ]
            for row in rows
        ),
    )


def _csv(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue()


def _csv_line(experiment: str, row: Row, column: Column, cell: Cell) -> list[str]:
    keys = [column.train, column.test, column.measure]
    values = [_plain(value) for value in (cell.value, *cell.quartiles, *cell.interval)]
    counts = [str(cell.splits or ""), str(cell.images or "")]
    origin = "published" if row.published else "measured"
    note = PROXY if column.proxy else ""
    return [experiment, origin, row.method, row.backbone, *keys, *values, *counts, cell.mark, note]


def _plain(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def table_markdown(table: Table) -> str:
    """A Markdown table of the paper's columns: best value bold, second best underlined; notes below."""
    table = table.shown
    head = ["method", *map(column_title, table.columns)]
    lines = [head, ["---", *(["---:"] * len(table.columns))]]
    lines += [[_method(row), *map(_markdown_cell, row.cells)] for row in table.rows]
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    second = ", second best underlined" if len(table.rows) > 2 else ""
    marks = [f"Best value of a column bold{second}: {BY_ORDER}."] if table.rows else []
    notes = "".join(f"- {note}\n" for note in (*marks, *spread_words(table), *table.notes))
    return f"{body}\n{notes}"


def spread_words(table: Table) -> list[str]:
    """What stands in small print with the measured values, in a sentence."""
    words = {word for row in table.measured for cell in row.cells if cell for word, _ in cell.spreads}
    if not words:
        return []
    several = "splits" in words
    ends = ", of several splits its median ends" if several else ""
    texts = [f"“95%” is the interval over 1,000 resamples of the test images{ends}"] if "95%" in words else []
    texts += ["“splits” is the middle half of the splits (quartiles)"] if several else []
    value = "Measured values are medians over the splits. " if several else ""
    return [f"{value}With a value, {'; '.join(texts)}."]


def column_title(column: Column) -> str:
    """What a column holds, in a line: `live SROCC`, `live → csiq SROCC`, `proxy` where it applies."""
    name = pair_words(*column.pair)
    return f"{name} {MEASURE_NAMES[column.measure]}{' (proxy)' if column.proxy else ''}"


def _method(row: Row) -> str:
    if row.published:
        return f"{row.method} (published)"
    return f"{row.method}, {row.backbone}" if row.backbone else row.method


def _markdown_cell(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    value = number(cell.value)
    value = {"best": f"**{value}**", "second": f"<u>{value}</u>"}.get(cell.mark, value)
    spreads = "; ".join(f"{word} {interval(*ends)}" for word, ends in cell.spreads)
    return f"{value} ({spreads})" if spreads else value
