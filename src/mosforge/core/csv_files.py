"""CSV files of users and of datasets, read and checked.

The workflow imports this module while it plans, so it imports nothing heavy.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_text


def csv_lines(text: str) -> Any:
    """A `csv.reader` of a table's text; the delimiter is a tab where the header has one, else a comma."""
    header = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in header else ",")


def read_csv(file: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file with a header, as strings without the spaces around them.

    Args:
        file: the file; see `csv_lines` for its delimiter.
        needed: columns that it must have. Upper and lower case are the same.

    Returns:
        A mapping for each row that is not empty; its keys are the columns in lower case.

    Raises:
        MosforgeError: see `read_text`; or a needed column is missing, a column is there twice, or a row has
            another number of cells.
    """
    lines = csv_lines(read_text(file))
    try:
        header, *rows = [(lines.line_num, cells) for cells in lines] or [(1, [])]
    except csv.Error as error:
        reason = f"line {lines.line_num} cannot be read ({error})"
        raise MosforgeError(f"{file}: {reason}; see whether a quotation mark is never closed") from None
    keys = _keys(file, header[1], needed)
    return [_row(file, line, cells, keys) for line, cells in rows if any(cell.strip() for cell in cells)]


def number(file: Path, text: object, image: str) -> float:
    """The score of an image as a finite number; Python's own `float` takes 1_0 for 10.

    Args:
        file: that the score is from, for the message.
        text: its cell.
        image: the name of the image.

    Raises:
        MosforgeError: it is none; the message names the image.
    """
    try:
        score = float(str(text).replace("_", "?"))
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise MosforgeError(f"{file}: the score of {image} is {text!r}, which is not a number")
    return score


def _keys(file: Path, header: Sequence[str], needed: Sequence[str]) -> list[str]:
    """The names of the columns, in lower case."""
    names = [cell.strip() for cell in header]
    keys = [name.casefold() for name in names]
    lacking = [name for name in needed if name.casefold() not in keys]
    if lacking:
        listed = ", ".join(names) or "none"
        hint = "; separate cells with commas or tabs" if ";" in listed else ""
        raise MosforgeError(
            f"{file}: there is no column {', '.join(lacking)}; the columns are: {listed}{hint}"
        )
    twins = [name for name, key in zip(names, keys, strict=True) if key and keys.count(key) > 1]
    if twins:
        raise MosforgeError(f"{file}: there is more than one column {twins[0]}; keep one")
    return keys


def _row(file: Path, line: int, cells: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(keys):
        raise MosforgeError(
            f"{file}: line {line} has {len(cells)} cells where the header has {len(keys)}; "
            "put names with commas into quotation marks"
        )
    return {key: cell.strip() for key, cell in zip(keys, cells, strict=True)}
