"""CSIQ (Larson and Chandler, J. Electronic Imaging 19(1), 2010).

The sheet `all_by_image` of the workbook holds type and level; the file names mix upper and lower case.
"""

import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, number
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="csiq",
    images=866,
    contents=30,
    lowest=0.0,
    highest=1.0,
    higher_is_better=False,
    required=(("csiq.DMOS.xlsx", "csiq.beta.xlsx"), ("src_imgs",), ("dst_imgs",)),
    references=True,
)

# the type in the sheet -> its folder and its word in file names
_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}
_SHEET = "all_by_image"
_COLUMNS = ("image", "dst_type", "dst_lev", "dmos")


def read(folder: Folder) -> Iterator[Row]:
    """The 866 distorted images."""
    import pandas as pd

    file = folder.first("csiq.DMOS.xlsx", "csiq.beta.xlsx")
    try:
        sheet = pd.read_excel(file, sheet_name=_SHEET, header=None)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise MosforgeError(
            f"{file}: the sheet {_SHEET} cannot be read ({error}); get the file anew"
        ) from None
    lines = [list(line) for line in sheet.itertuples(index=False)]
    for content, kind, level, score in _cells(file, lines):
        if kind not in _TYPES:
            raise MosforgeError(f"{file}: the type {kind!r} is none of CSIQ's; get the file anew")
        place, word = _TYPES[kind]
        image = f"{content}.{word}.{level}.png"
        yield Row(
            image=image,
            file=f"dst_imgs/{place}/{image}",
            reference=str(content),
            reference_file=f"src_imgs/{content}.png",
            mos=number(file, score, image),
            distortion_type=kind,
            level=int(level),
        )


def _cells(file: Path, lines: Sequence[list[Any]]) -> list[tuple[Any, ...]]:
    """The cells of `_COLUMNS` below the header, which does not begin in the first row or column."""
    for start, line in enumerate(lines):
        if all(name in line for name in _COLUMNS):
            where = [line.index(name) for name in _COLUMNS]
            body = [tuple(below[place] for place in where) for below in lines[start + 1 :]]
            return [cells for cells in body if not _is_empty(cells[0])]
    raise MosforgeError(f"{file}: the sheet {_SHEET} has no header {', '.join(_COLUMNS)}; get the file anew")


def _is_empty(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
