"""A CSV of the user's: columns `image`, `mos` and, if wanted, `reference` and `split`.

`reference` names the content: pictures with the same word stay on one side of every split.
"""

from pathlib import Path, PurePosixPath

import pandas as pd

from mosforge.errors import MosforgeError
from mosforge.finetuning.datasets.common import find, number, read_csv, rows_frame
from mosforge.finetuning.registry import Folder, Options, pictures_of

_PARTS = ("train", "validation", "test")


def read(folder: Folder, options: Options) -> pd.DataFrame:
    """Rows of the table `options["table"]`, its pictures see `common.COLUMNS`."""
    file = find(folder, options["table"])
    pictures = PurePosixPath(pictures_of(options))
    rows = []
    for row in read_csv(file, ("image", "mos")):
        image, part = row["image"], row.get("split")
        _check_name(file, image)
        if part is not None and part not in _PARTS:
            raise MosforgeError(f"{file}: the split of {image} is {part!r}; it must be {', '.join(_PARTS)}")
        rows.append(
            {
                "image": image,
                "file": (pictures / image).as_posix(),
                # without a word for the content, or in a table without that column, each picture is its own
                "reference": row.get("reference") or image,
                "mos": number(file, row["mos"], image),
                "part": part,
            }
        )
    return rows_frame(rows)


def _check_name(file: Path, image: str) -> None:
    path = PurePosixPath(image)
    # the name becomes a path below results/ when the picture is distorted again
    if not image or path.is_absolute() or ".." in path.parts:
        raise MosforgeError(f"{file}: {image!r} is not the name of a picture below the key images")
