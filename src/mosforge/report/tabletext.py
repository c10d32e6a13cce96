"""A table as CSV for programs and as Markdown for people."""

import csv
import io
import math

from mosforge.report.notes import PROXY
from mosforge.report.summary import MEASURE_NAMES, interval, number
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


def table_csv(table: Table) -> str:
    """One line a number, in the columns of the published results and those that a measurement adds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell is not None:
                writer.writerow(_csv_line(table.experiment, row, column, cell))
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
    """A Markdown table: the best value bold, the second best underlined; notes below."""
    head = ["method", *map(column_title, table.columns)]
    lines = [head, ["---", *(["---:"] * len(table.columns))]]
    lines += [[_method(row), *map(_markdown_cell, row.cells)] for row in table.rows]
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    notes = "".join(f"- {note}\n" for note in table.notes)
    return f"{body}\n{notes}"


def column_title(column: Column) -> str:
    """What a column holds, in a line: `live SROCC`, `live → csiq SROCC`, `proxy` where it applies."""
    name = f"{column.train} → {column.test}" if column.cross else column.test.replace("_", " ")
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
    return f"{value} ({interval(*cell.spread)})" if cell.spread else value
