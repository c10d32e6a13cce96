"""What the page and the tables are made of: cells, grids and blocks; and a grid as Markdown."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import pandas as pd

_Texts = Sequence[str]


class Cell(NamedTuple):
    """What stands in one place of a table."""

    text: str
    small: Sequence[str] = ()  # lines in small print below it
    mark: str = ""  # `best` or `second`
    is_proxy: bool = False  # marked as resting on proxy scores
    style: str = ""  # class of the style sheet: `text` is aligned to the left and may wrap
    span: int = 1  # how many columns it heads


class Grid(NamedTuple):
    """A table for people."""

    head: Sequence[Cell]
    rows: Mapping[str, Sequence[Sequence[Cell]]]  # of `measured` and `published`; or all, of an empty name
    over: Sequence[Cell] = ()  # above the head, each over several columns
    label: str = ""  # its name for screen readers
    style: str = "numbers"  # class of the style sheet


class Block(NamedTuple):
    """A part of the page, which is drawn by the template `blocks`."""

    kind: str  # `section`, `details`, `table`, `h3` and so on; any other is a paragraph of that class
    text: str = ""  # its text or title
    items: Sequence[Any] = ()  # what it holds: blocks, a grid, figures, thumbnails or cells
    style: str = ""  # classes of the style sheet; the anchor of a section; `open` of details that are open
    is_proxy: bool = False  # its title is marked as resting on proxy scores


@cache
def _texts() -> dict[str, str]:
    with (resources.files("mosforge.report") / "data" / "texts.toml").open("rb") as file:
        return tomllib.load(file)


def say(key: str, *values: object) -> str:
    """The sentence of a key in `texts.toml`, with the values put in."""
    return _texts()[key].format(*values)


def absent(key: str, *values: object) -> Block:
    """A line that says what is not there."""
    return Block("absent", say(key, *values))


def table(grid: Grid) -> Block:
    """A grid as a part of the page."""
    return Block("table", items=[grid])


def text_table(head: _Texts, rows: Sequence[_Texts]) -> Block:
    """A table of names and plain text."""
    return table(Grid(heads(*head), {"": [heads(*row) for row in rows]}, style="keys"))


def heads(*texts: str) -> list[Cell]:
    """Cells that hold only text."""
    return [Cell(text) for text in texts]


def aligned(cells: Iterable[tuple[Sequence[Cell], Any, Cell]], columns: Iterable[Any]) -> list[list[Cell]]:
    """Rows of a table, from the first cells of a row, a column and the cell there; else a dash is there."""
    rows: dict[str, tuple[Sequence[Cell], dict[Any, Cell]]] = {}
    for first, column, cell in cells:
        rows.setdefault(str(first), (first, {}))[1][column] = cell
    keys = list(columns)
    return [[*first, *(found.get(key, Cell("–")) for key in keys)] for first, found in rows.values()]


def model_cell(method: str, backbone: str) -> Cell:
    """The cell that names a model."""
    return Cell(method, [backbone] if backbone else [])


def to_csv(rows: pd.DataFrame) -> str:
    """Rows as CSV: numbers with six digits, and an empty field if there is none."""
    return rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def to_markdown(grid: Grid, notes: Sequence[str]) -> str:
    """A grid with notes below, as Markdown: best values bold, second best underlined."""
    over = [cell for cell in grid.over for _ in range(cell.span)] or [Cell("")] * len(grid.head)
    proxy = {True: " (proxy)", False: ""}
    titles = [f"{o.text} {h.text}{proxy[o.is_proxy]}".strip() for o, h in zip(over, grid.head, strict=True)]
    lines = [titles, ["---", *(["---:"] * (len(titles) - 1))]]
    for group, rows in grid.rows.items():
        for name, *cells in rows:
            published = " (published)" if group == "published" else ""
            lines.append([", ".join([name.text, *name.small]) + published, *map(_markdown, cells)])
    body = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*body, "", *(f"- {note}" for note in notes), ""])


def _markdown(cell: Cell) -> str:
    text = {"best": f"**{cell.text}**", "second": f"<u>{cell.text}</u>"}.get(cell.mark, cell.text)
    return f"{text} ({'; '.join(cell.small)})" if cell.small else text
