"""A CSV of the user's: `image`, `mos` and, if wanted, `reference`, `reference_image`, `split` and `group`.

`reference` names the content: images with the same name stay on one side of every split.
`reference_image` is the file of the reference image, which the full-reference metrics compare with. Where
there is no `reference`, all images with one such file are of one content. Both files are paths below the
folder of the images, or absolute ones. `group` is any kind of image, by which the page tells results apart.
"""

import difflib
import logging
import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from mosforge.core.csv_files import number, read_csv
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder
from mosforge.finetuning.settings import DatasetSettings

log = logging.getLogger(__name__)

REFERENCE_IMAGE = "reference_image"
"""The column that names the reference image."""

COLUMNS = ("image", "mos", "reference", REFERENCE_IMAGE, "split", "group")
"""The columns that are read."""

_NONE = ("na", "n/a", "#n/a", "nan", "none", "null")
"""What programs write for an empty cell, in small letters; as a name, it would join all such images."""

_PARTS = ("train", "validation", "test")


def layout_of(cfg: DatasetSettings) -> Layout:
    """The facts that the configuration gives of a user's table.

    Raises:
        MosforgeError: a key is missing or impossible.
    """
    if cfg.table is None or cfg.range is None:
        key = "table" if cfg.table is None else "range"
        raise MosforgeError(f"layout table: the key {key} is missing in the dataset's configuration")
    lowest, highest = (float(limit) for limit in cfg.range)
    if not lowest < highest:
        raise MosforgeError(
            f"layout table: range [{lowest:g}, {highest:g}] must be the lowest, then the highest score"
        )
    return Layout(
        name="table",
        images=0,
        contents=0,
        lowest=lowest,
        highest=highest,
        higher_is_better=cfg.higher_is_better,
        required=((cfg.table,), (_images_folder(cfg),)),
    )


def _images_folder(cfg: DatasetSettings) -> str:
    """The folder of the images, below the dataset's folder; by default, that folder."""
    return cfg.images or "."


def read(folder: Folder, cfg: DatasetSettings) -> Iterator[Row]:
    """The images of the table `cfg.table`; a warning names each column that is not used."""
    file = folder.first(cfg.table or "")
    images = PurePosixPath(_images_folder(cfg))
    rows = read_csv(file, ("image", "mos"))
    _warn_of_twins(file, {row.get("reference", "") for row in rows})
    for column, meant in unused_columns(rows[0] if rows else ()).items():
        log.warning("%s: warning: %s", file, about_column(column, meant))
    for row in rows:
        image, part = row["image"], row.get("split")
        reference_image = _expanded(row.get(REFERENCE_IMAGE, ""))
        name = name_of(image)
        if not name:
            raise MosforgeError(
                f"{file}: {image!r} is not the name of an image; write a path below the key images"
            )
        for column in ("reference", REFERENCE_IMAGE):
            if (cell := row.get(column, "")).casefold() in _NONE:
                raise MosforgeError(
                    f"{file}: the {column} of {image} is {cell!r}; leave the cell empty if there is none, or "
                    "give it another name"
                )
        if part is not None and part not in _PARTS:
            raise MosforgeError(f"{file}: the split of {image} is {part!r}; it must be {', '.join(_PARTS)}")
        yield Row(
            image=name,
            file=file_of(images, image),
            # with neither a name of the content nor a reference image, each image is a content of its own
            reference=unicodedata.normalize("NFC", row.get("reference") or reference_image or name),
            reference_file=file_of(images, reference_image) if reference_image else None,
            mos=number(file, row["mos"], image),
            part=part,
            distortion_type=row.get("group") or None,
        )


def _warn_of_twins(file: Path, references: set[str]) -> None:
    """Warns of names of contents that differ only in case or spaces: their images may part in a split."""
    first_of: dict[str, str] = {}
    for name in sorted({unicodedata.normalize("NFC", name) for name in references}):
        first = first_of.setdefault("".join(name.casefold().split()), name)
        if first != name:
            log.warning(
                "%s: warning: the references %r and %r differ only in case or spaces", file, first, name
            )


def unused_columns(columns: Iterable[str]) -> dict[str, str | None]:
    """The columns of a table that are not read, each with the absent column that may have been meant.

    Args:
        columns: their names, in lower case.
    """
    given = [column for column in columns if column]
    absent = [column for column in COLUMNS if column not in given]
    return {column: _meant(column, absent) for column in given if column not in COLUMNS}


def _meant(column: str, absent: list[str]) -> str | None:
    """The absent column with a name like this one, or with this one as its beginning (`ref`)."""
    begun = [name for name in absent if len(column) > 2 and name.startswith(column)]
    close = begun or difflib.get_close_matches(column, absent, n=1)
    return close[0] if close else None


def about_column(column: str, meant: str | None) -> str:
    """A clause about a column that is not used."""
    advice = f"did you mean {meant!r}?" if meant else f"known are {', '.join(COLUMNS)}"
    return f"the column {column!r} is not used; {advice}"


def _expanded(name: str) -> str:
    """A path whose leading ~ is the user's home folder."""
    return os.path.expanduser(name)  # noqa: PTH111 - Path's refuses a name such as ~a.png


def file_of(images: PurePosixPath, name: str) -> str:
    """The path of an image or a reference image, below the dataset's folder or from the root.

    Args:
        images: the folder of the images below the dataset's folder.
        name: as the table has it.
    """
    return (images / _expanded(name)).as_posix()


def name_of(image: str) -> str:
    """The name of an image: its path, made relative; empty where the table names no image.

    The name becomes a path below the results when the image is distorted again, and must not lead out.

    Args:
        image: as the table has it.
    """
    parts = [part for part in PurePosixPath(_expanded(image)).parts if part.strip("/")]
    if parts[-1:] in ([], [".."]):
        return ""
    return "/".join("_" if part == ".." else part for part in parts)
