"""What the loaders share: reading label files with clear errors, and the checks of the common frame."""

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.registry import Folder, Layout, csv_lines

TOLERANCE = 0.01
"""Share of the declared range by which a score may lie outside; it is clipped then, beyond it an error."""

COLUMNS = ("image", "file", "reference", "reference_file", "mos", "distortion_type", "level", "part")
"""Columns of what a loader returns; `file` and `reference_file` are paths below the dataset's folder."""


def rows_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A loader's rows as a frame with all of `COLUMNS`; what a row leaves out is None."""
    return pd.DataFrame(
        [[row.get(name) for name in COLUMNS] for row in rows], columns=list(COLUMNS), dtype=object
    )


def normalise(name: str, layout: Layout, folder: Folder, rows: pd.DataFrame) -> pd.DataFrame:
    """Checks a loader's rows and turns them into the frame of the artefact `dataset`.

    Args:
        name: the dataset's name in the configuration, for messages.
        layout: its declared counts, range and direction.
        folder: where it lies.
        rows: see `COLUMNS`.

    Raises:
        MosforgeError: counts, names, scores or files are not what they should be.
    """
    _check_counts(name, layout, rows)
    frame = rows.sort_values("image", ignore_index=True)
    mos = frame["mos"].to_numpy(dtype=np.float64)
    paths = _paths(name, folder, list(frame["file"]), "pictures")
    _check_unique(name, paths)
    references = [file for file in frame["reference_file"] if file is not None]
    reference_of = dict(zip(references, _paths(name, folder, references, "references"), strict=True))
    reference_paths = [reference_of.get(file) for file in frame["reference_file"]]
    _check_contents(name, list(frame["reference"]), reference_paths)
    return pd.DataFrame(
        {
            "image": frame["image"],
            "path": paths,
            "reference": frame["reference"],
            "reference_path": reference_paths,
            "mos": mos,
            "quality": _quality(name, layout, mos, list(frame["image"])),
            "distortion_type": frame["distortion_type"],
            "level": frame["level"].astype("Int8"),
            "part": frame["part"],
        }
    )


def find(folder: Folder, *names: str) -> Path:
    """The first of the alternatives that is there; that one is, `registry.missing` has checked."""
    for name in names:
        found = folder.find(name)
        if found is not None:
            return found
    raise MosforgeError(f"{folder.path / names[0]}: no such file")


def read_csv(file: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file with a header, as strings, spaces around cells taken off.

    Column names are compared without regard to case. The delimiter is a tab where the header has one,
    else a comma.

    Raises:
        MosforgeError: not text in UTF-8, a needed column is missing, a column is there twice, or a row has
            another number of cells.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise MosforgeError(f"{file}: not a text file in UTF-8; save it as UTF-8") from None
    lines = csv_lines(text)
    try:
        header, *rows = [(lines.line_num, cells) for cells in lines] or [(1, [])]
    except csv.Error as error:
        reason = f"line {lines.line_num} cannot be read ({error})"
        raise MosforgeError(f"{file}: {reason}; see whether a quotation mark is never closed") from None
    keys = _keys(file, header[1], needed)
    return [_row(file, line, cells, keys) for line, cells in rows if any(cell.strip() for cell in cells)]


def _keys(file: Path, header: Sequence[str], needed: Sequence[str]) -> list[str]:
    """The names of the columns, folded."""
    names = [cell.strip() for cell in header]
    keys = [name.casefold() for name in names]
    lacking = [name for name in needed if name.casefold() not in keys]
    if lacking:
        told = ", ".join(names) or "none"
        told += "; separate cells with commas or tabs" if ";" in told else ""
        raise MosforgeError(f"{file}: there is no column {', '.join(lacking)}; the columns are: {told}")
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


def number(file: Path, text: object, image: str) -> float:
    """A score as a number, with an error that names the picture it belongs to."""
    try:
        return float(str(text))
    except ValueError:
        raise MosforgeError(f"{file}: the score of {image} is {text!r}, which is not a number") from None


def read_mat(file: Path, *variables: str) -> list[list[Any]]:
    """Vectors and cell arrays of a MATLAB file, flattened.

    Raises:
        MosforgeError: not a MATLAB file of version 4 to 7.2, or a variable is missing.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(str(file), squeeze_me=True)
    except NotImplementedError:
        raise MosforgeError(f"{file}: a MATLAB 7.3 file; put the official release's file there") from None
    except Exception as error:  # the reader raises whatever a damaged file makes it stumble over
        raise MosforgeError(f"{file}: not a MATLAB file that can be read ({error})") from None
    for name in variables:
        if name not in found:
            known = ", ".join(sorted(key for key in found if not key.startswith("__"))) or "none"
            raise MosforgeError(f"{file}: there is no variable {name}; the variables are: {known}")
    return [np.atleast_1d(found[name]).ravel().tolist() for name in variables]


def _check_counts(name: str, layout: Layout, rows: pd.DataFrame) -> None:
    if rows.empty:
        raise MosforgeError(f"dataset {name}: its table has no picture")
    twins = rows["image"][rows["image"].duplicated()]
    if len(twins):
        raise MosforgeError(f"dataset {name}: {twins.iloc[0]} has more than one row; keep one")
    for what, found, expected in (
        ("pictures", len(rows), layout.images),
        ("contents", rows["reference"].nunique(), layout.contents),
    ):
        if expected and found != expected:
            raise MosforgeError(
                f"dataset {name}: {found} {what} where {layout.name} has {expected}; get its files anew"
            )


def _check_unique(name: str, paths: Sequence[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise MosforgeError(f"dataset {name}: two rows name the file {path}; keep one")
        seen.add(path)


def _check_contents(name: str, contents: Sequence[str], paths: Sequence[str | None]) -> None:
    """An undistorted picture is of one content, or a split by content would have it on both sides."""
    content_of: dict[str, str] = {}
    real = {path: os.path.realpath(path) for path in set(paths) if path is not None}
    for content, path in zip(contents, paths, strict=True):
        if path is not None and (first := content_of.setdefault(real[path], content)) != content:
            raise MosforgeError(
                f"dataset {name}: {path} is the undistorted picture of two contents, {first} and {content}; "
                "call them alike"
            )


def _paths(name: str, folder: Folder, files: Sequence[str], what: str) -> list[str]:
    """The paths of files, whatever the case of their names; each must be there and not be empty."""
    found = {file: folder.find(file) for file in dict.fromkeys(files)}
    absent = [file for file, path in found.items() if path is None or not _has_bytes(path)]
    if absent:
        raise MosforgeError(
            f"dataset {name}: {len(absent)} of {len(found)} {what} are missing or empty below "
            f"{folder.path.as_posix()}, the first is {absent[0]}; get them anew"
        )
    return [path.as_posix() for file in files if (path := found[file]) is not None]


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _quality(
    name: str, layout: Layout, mos: "np.ndarray[Any, np.dtype[np.float64]]", images: Sequence[str]
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    span = layout.highest - layout.lowest
    slack = TOLERANCE * span
    for image, score in zip(images, mos, strict=True):
        if not math.isfinite(score):
            raise MosforgeError(f"dataset {name}: the score of {image} is not a number; correct or remove it")
        if not layout.lowest - slack <= score <= layout.highest + slack:
            raise MosforgeError(
                f"dataset {name}: the score of {image}, {score:g}, lies outside the declared range "
                f"[{layout.lowest:g}, {layout.highest:g}]; correct the score or the range"
            )
    share = np.clip((mos - layout.lowest) / span, 0.0, 1.0)
    return share if layout.higher_is_better else 1.0 - share
