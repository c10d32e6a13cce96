"""What the command lines of all stages share: verbs, the log, and rows for people and programs."""

import argparse
import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_file

Run = Callable[[argparse.Namespace], int | None]
Row = Mapping[str, Any]

FORMATS = ("table", "json", "csv")


def add_verb(verbs: Any, name: str, run: Run, about: str, *, cfg: bool = False) -> argparse.ArgumentParser:
    """Adds a verb, or a command of its own, with the options that all have.

    Args:
        verbs: the subparsers of a stage, or of the whole command line.
        name: the word on the command line.
        run: called with the parsed arguments; returns the exit status (None: 0).
        about: one sentence for `--help`.
        cfg: adds the required option `--cfg JSON`, the parameters of a rule of the workflow.
    """
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    parser.add_argument("--log", type=Path, metavar="FILE", help="also write the progress lines to FILE")
    if cfg:
        parser.add_argument("--cfg", type=json_value, required=True, metavar="JSON", help="parameters")
    return parser


def add_format(parser: argparse.ArgumentParser) -> None:
    """Adds `--format table|json|csv` and `--output FILE`."""
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write to FILE instead of standard output"
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds `--config FILE`, for the commands that people call; see `configuration.load_config`."""
    parser.add_argument(
        "--config", type=Path, action="append", metavar="FILE", help="laid over config.yaml; may be repeated"
    )


def add_threads(parser: argparse.ArgumentParser, about: str = "threads") -> None:
    """Adds `--threads N`, which changes no result."""
    parser.add_argument("--threads", type=count, default=1, metavar="N", help=f"{about}; default: 1")


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Adds what changes where and how fast a network runs, but not what comes out."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    add_threads(parser, "CPU threads")


def add_fitting_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a training: where and how fast it runs, but not what is trained."""
    add_training_options(parser)
    parser.add_argument("--gpus", type=number, default=1, metavar="N", help="at most so many; default: 1")
    parser.add_argument("--compile", type=int, choices=(0, 1), default=0, help="1: with torch.compile")
    parser.add_argument(
        "--deterministic", type=int, choices=(0, 1), default=0, help="1: the same bits on a GPU, but slower"
    )
    parser.add_argument("--events", type=Path, metavar="DIR", help="write TensorBoard's events to DIR")


def add_verify(verbs: Any) -> None:
    """Adds the verb `verify`, for packs of any stage."""
    verify = add_verb(verbs, "verify", _verify, "compare all pixels of a pack with their digests")
    verify.add_argument("pack", type=Path, metavar="FILE", help="index of the pack, Parquet")
    add_threads(verify)


def _verify(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from mosforge.core.packs import problems
    from mosforge.core.schemas.packs import PACK
    from mosforge.core.tables import read_table

    index = read_table(arguments.pack, PACK)
    files, bad = index["file"].nunique(), 0
    for problem in tqdm(problems(index, arguments.threads), total=files, unit="file", disable=None):
        if problem is not None:
            bad += 1
            print(problem)
    print(f"{files - bad} of {files} files hold the pixels that were packed ({len(index)} pictures)")
    return 1 if bad else 0


def json_value(text: str) -> Any:
    """An argument that is a JSON value."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None


def count(text: str) -> int:
    """An argument that is a whole number from 1."""
    return _whole(text, 1)


def number(text: str) -> int:
    """An argument that is a whole number from 0."""
    return _whole(text, 0)


def _whole(text: str, lowest: int) -> int:
    if not text.isdecimal() or int(text) < lowest:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest}")
    return int(text)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with a clear error where there is none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MosforgeError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise MosforgeError(f"{path}: not a text file in UTF-8") from None


def read_json(path: Path) -> Any:
    """The value in a JSON file that a stage wrote, with a clear error where it is damaged."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise MosforgeError(f"{path}: damaged JSON ({error}); delete it and run again") from None


def format_rows(rows: Sequence[Row], columns: Sequence[str], style: str, *, array: bool = False) -> str:
    """Rows as text that ends in a newline.

    Args:
        rows: a mapping a row; a missing key is an empty cell (JSON: left out).
        columns: the order of the columns.
        style: one of `FORMATS`; `json` is one object a line.
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
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
        return text.getvalue()
    return _aligned(rows, columns)


def write_rows(
    rows: Sequence[Row], columns: Sequence[str], arguments: argparse.Namespace, *, array: bool = False
) -> None:
    """Prints rows as `--format` and `--output` say."""
    text = format_rows(rows, columns, arguments.format, array=array)
    # A file name in another encoding than UTF-8 is escaped; in JSON the escape stands for the very name.
    text = text.encode("utf-8", "backslashreplace").decode()
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        with atomic_file(arguments.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
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
