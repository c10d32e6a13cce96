"""What a module of a dataset consists of: the facts of its layout, and the rows that it reads.

The workflow imports these modules while it plans, so they import heavy libraries only where they read.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mosforge.core.errors import MosforgeError


@dataclass(frozen=True)
class Layout:
    """A target dataset as it is released, or a table of the user's."""

    name: str  # value of the configuration's key `layout`
    images: int  # number of images with a score; 0: any number, as in a user's table
    contents: int  # number of different references, or of images in an authentic dataset; 0: any number
    lowest: float  # lowest score of the declared range
    highest: float  # highest score of the declared range
    higher_is_better: bool  # false for DMOS
    # paths below the dataset's folder that prove that it is there; one of each tuple must exist
    required: tuple[tuple[str, ...], ...]
    references: bool = False  # whether the reference images belong to it


class Row(NamedTuple):
    """A scored image as its dataset describes it."""

    image: str  # its name in the dataset
    file: str  # its path below the dataset's folder
    reference: str  # name of its content
    mos: float  # its score, in the dataset's own unit and direction
    reference_file: str | None = None  # path of its reference image below the dataset's folder
    distortion_type: str | None = None  # as the dataset names it
    level: int | None = None  # of the distortion
    part: str | None = None  # part of the official split: `train`, `validation` or `test`


def read_sheet(file: Path, columns: Sequence[str], sheet: str | int = 0) -> Iterator[list[str]]:
    """The cells of some columns of a workbook's sheet, as strings without the spaces around them.

    Args:
        file: the workbook.
        columns: names in the header, the first row that has them all; upper and lower case are the same.
        sheet: its name, or its number from 0.

    Yields:
        The cells of each row below the header whose first is not empty.

    Raises:
        MosforgeError: not a workbook, or the sheet or a column is missing.
    """
    import pandas as pd

    try:
        table = pd.read_excel(file, sheet_name=sheet, header=None, dtype=str).fillna("")
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        what = "first sheet" if sheet == 0 else f"sheet {sheet}"
        raise MosforgeError(f"{file}: the {what} cannot be read ({error}); get the file anew") from None
    lines = [[cell.strip() for cell in line] for line in table.to_numpy().tolist() if any(line)]
    headers = [[cell.casefold() for cell in line] for line in lines]
    keys = [name.casefold() for name in columns]
    start = next((place for place, header in enumerate(headers) if set(keys) <= set(header)), None)
    if start is None:
        first = headers[0] if headers else []
        lacking = next(name for name, key in zip(columns, keys, strict=True) if key not in first)
        known = ", ".join(name for name in first if name) or "none"
        raise MosforgeError(f"{file}: there is no column {lacking}; the columns are: {known}")
    places = [headers[start].index(key) for key in keys]
    for line in lines[start + 1 :]:
        if line[places[0]]:
            yield [line[place] for place in places]


def read_mat(file: Path, *variables: str) -> list[list[Any]]:
    """Vectors and cell arrays of a MATLAB file, each as a flat list.

    Raises:
        MosforgeError: not a MATLAB file of version 4 to 7.2, or a variable is missing.
    """
    import numpy as np
    from scipy.io import loadmat

    try:
        found = loadmat(str(file), squeeze_me=True)
    except NotImplementedError:
        raise MosforgeError(f"{file}: a MATLAB 7.3 file; put the official release's file there") from None
    except Exception as error:  # a damaged file makes the reader fail in many ways
        raise MosforgeError(f"{file}: not a MATLAB file that can be read ({error})") from None
    for name in variables:
        if name not in found:
            known = ", ".join(sorted(key for key in found if not key.startswith("__"))) or "none"
            raise MosforgeError(f"{file}: there is no variable {name}; the variables are: {known}")
    return [np.atleast_1d(found[name]).ravel().tolist() for name in variables]


def read_pairs(names: tuple[Path, str], scores: tuple[Path, str]) -> list[tuple[Any, Any]]:
    """The names of images and their scores, each from a variable of a MATLAB file.

    Args:
        names: the file and its variable.
        scores: likewise.

    Raises:
        MosforgeError: see `read_mat`; or there are not as many scores as names.
    """
    (listed,), (rated,) = read_mat(*names), read_mat(*scores)
    if len(listed) != len(rated):
        counts = f"{len(rated)} scores for the {len(listed)} names of {names[0].name}"
        raise MosforgeError(f"{scores[0]}: {counts}")
    return list(zip(listed, rated, strict=True))
