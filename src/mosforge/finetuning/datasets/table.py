"""A user's CSV with the columns `image` and `mos` and, if wanted, `reference`, `reference_image` and `split`.

`reference` names the content: images with the same name stay on one side of every split.
`reference_image` is the file of the reference image, which the full-reference metrics compare with. Where
there is no `reference`, all images with one such file are of one content.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, number
from mosforge.finetuning.files import Folder, read_csv
from mosforge.finetuning.settings import DatasetSettings

REFERENCE_IMAGE = "reference_image"
"""The column that names the reference image."""

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
    """The images of the table `cfg.table`."""
    file = folder.first(cfg.table or "")
    images = PurePosixPath(_images_folder(cfg))
    for row in read_csv(file, ("image", "mos")):
        image, part, reference_image = row["image"], row.get("split"), row.get(REFERENCE_IMAGE)
        _check_name(file, image)
        if part is not None and part not in _PARTS:
            raise MosforgeError(f"{file}: the split of {image} is {part!r}; it must be {', '.join(_PARTS)}")
        yield Row(
            image=image,
            file=(images / image).as_posix(),
            # with neither a name of the content nor a reference image, each image is a content of its own
            reference=row.get("reference") or reference_image or image,
            reference_file=(images / reference_image).as_posix() if reference_image else None,
            mos=number(file, row["mos"], image),
            part=part,
        )


def _check_name(file: Path, image: str) -> None:
    path = PurePosixPath(image)
    # the name becomes a path below results/ when the image is distorted again
    if not image or path.is_absolute() or ".." in path.parts:
        raise MosforgeError(f"{file}: {image!r} is not the name of an image below the key images")
