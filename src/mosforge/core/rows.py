"""Rows for people and programs: as an aligned table, as CSV, or as JSON."""

import csv
import io
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError

Row = Mapping[str, Any]

FORMATS = ("table", "json", "csv")


def format_rows(rows: Sequence[Row], columns: Sequence[str], style: str, *, array: bool = False) -> str:
    """Rows as text that ends in a newline.

    Args:
        rows: each a mapping; a missing key is an empty cell (JSON: left out).
        columns: the order of the columns.
        style: one of `FORMATS`; `json` is one object in each line.
        array: with `json`, one array of objects instead.
    """
    if style == "json":
        objects = [{name: _json(row[name]) for name in columns if name in row} for row in rows]
        if array:
            return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"
        return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects)
    if style == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        # before Python 3.13 a carriage return in a file name is not quoted, and ends the row for a reader
        quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(columns)
        for row in rows:
            cells = [_cell(row.get(name)) for name in columns]
            (quoting if any("\r" in cell for cell in cells) else writer).writerow(cells)
        return text.getvalue()
    return _aligned(rows, columns)


def write_rows(
    rows: Sequence[Row],
    columns: Sequence[str],
    style: str,
    output: Path | None = None,
    *,
    array: bool = False,
) -> None:
    """Writes the text of `format_rows` to a file, whole or not at all; without a file to standard output.

    Raises:
        MosforgeError: the file cannot be written, or there is no standard output.
    """
    text = format_rows(rows, columns, style, array=array)
    if output is None:
        if sys.stdout is None:
            raise MosforgeError("there is no standard output to write to; open it, or name a file")
        sys.stdout.write(_escaped(text, sys.stdout.encoding or "utf-8"))
    else:
        with atomic_file(output) as temporary:
            temporary.write_text(_escaped(text, "utf-8"), encoding="utf-8")


def _escaped(text: str, encoding: str) -> str:
    """Text without what an encoding cannot hold, such as a file name that is not UTF-8.

    In JSON the escapes stand for the very characters.
    """
    if _holds(encoding, text):
        return text
    return "".join(c if _holds(encoding, c) else json.dumps(c)[1:-1] for c in text)


def _holds(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _json(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return round(value, 6) if abs(value) >= 1 else float(f"{value:.6g}")  # 5e-7 is not 0
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(item)}" for key, item in value.items())
    return str(value)


def _printable(text: str) -> str:
    """A cell in one line: a file name may hold line breaks, and even commands to the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _aligned(rows: Iterable[Row], columns: Sequence[str]) -> str:
    rows = list(rows)
    cells = [[name.replace("_", " ") for name in columns]]
    cells += [[_printable(_cell(row.get(name))) for name in columns] for row in rows]
    numeric = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in columns]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = (
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    )
    return "\n".join(lines) + "\n"
