"""A CSV of the user's: columns `image`, `mos` and, if wanted, `reference`, `reference_image` and `split`.

`reference` names the content: pictures with the same word stay on one side of every split.
`reference_image` is the file of the undistorted picture, which the full-reference metrics compare with;
where there is no `reference`, pictures of one such file are of one content.
"""

from pathlib import Path, PurePosixPath

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.common import find, number, read_csv, rows_frame
from mosforge.finetuning.registry import REFERENCE_IMAGE, Folder, Options, pictures_of

_PARTS = ("train", "validation", "test")


def read(folder: Folder, options: Options) -> pd.DataFrame:
    """Rows of the table `options["table"]`, its pictures see `common.COLUMNS`."""
    file = find(folder, options["table"])
    pictures = PurePosixPath(pictures_of(options))
    rows = []
    for row in read_csv(file, ("image", "mos")):
        image, part, original = row["image"], row.get("split"), row.get(REFERENCE_IMAGE)
        _check_name(file, image)
        if part is not None and part not in _PARTS:
            raise MosforgeError(f"{file}: the split of {image} is {part!r}; it must be {', '.join(_PARTS)}")
        rows.append(
            {
                "image": image,
                "file": (pictures / image).as_posix(),
                # with neither a word for the content nor an undistorted picture, each picture is its own
                "reference": row.get("reference") or original or image,
                "reference_file": (pictures / original).as_posix() if original else None,
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
