"""The state of a source: what is there, what is missing, and where to get it."""

from collections.abc import Sequence
from pathlib import Path

from mosforge.config.configuration import Configuration
from mosforge.config.files import entry_of
from mosforge.config.sources import Collection, Packaged
from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.images import open_image
from mosforge.sources.fetch_source import archive_path, find_packaged

Row = dict[str, str]


def check(name: str, config: Configuration) -> tuple[list[Row], bool]:
    """Looks at a source; of its images only the headers are read.

    Args:
        name: a key of `sources.collections`.
        config: the configuration.

    Returns:
        Rows with the keys `item`, `state` (`found` or `missing`) and `detail`, and whether all is there.

    Raises:
        MosforgeError: the configuration has no such source.
    """
    collection = entry_of(config.sources.collections, "sources.collections", name)
    if collection.dataset is not None:
        rows = [_dataset(collection.dataset, config)]
    else:
        rows = [] if collection.packaged is None else _packaged(collection.packaged)
        rows.append(_folder(collection, config.sources.smallest_side))
    return rows, all(row["state"] == "found" for row in rows)


def _row(item: object, found: bool, detail: str) -> Row:
    return {"item": str(item), "state": "found" if found else "missing", "detail": detail}


def _dataset(dataset: str, config: Configuration) -> Row:
    folder = str(config.finetuning.datasets[dataset].folder)
    advice = f"the images of a target dataset; `mosforge finetuning check {dataset}` says more"
    return _row(folder, Path(folder).is_dir(), advice)


def _packaged(packaged: Packaged) -> list[Row]:
    rows = []
    for image in packaged.photographs:
        try:
            find_packaged(image)
            rows.append(_row(image, True, "an image in an installed package"))
        except MosforgeError as error:
            rows.append(_row(image, False, str(error)))
    return rows


def _folder(collection: Collection, smallest_side: int) -> Row:
    folder, declared = Path(str(collection.folder)), collection.images
    names = find_images(folder) if folder.is_dir() else []
    if not names and collection.packaged is not None:
        return _row(folder, True, "not made yet; the workflow does that")
    if not names:
        return _row(folder, False, _advice(collection))
    bad, small = _headers(folder, names, smallest_side)
    detail = f"{len(names)} images"
    detail += f" of {declared}" if declared is not None else ""
    detail += f", {small} with a side under {smallest_side} pixels" if small else ""
    detail += f", {len(bad)} not readable ({bad[0]})" if bad else ""
    if declared is not None and len(names) < declared:
        detail += f"; {_advice(collection)}"
    if declared is not None and len(names) > declared:
        detail += "; correct the key images, since the number of shards is planned from it"
    return _row(folder, declared is None or len(names) == declared, detail)


def _advice(collection: Collection) -> str:
    archive = collection.archive
    if archive is None:
        return collection.obtain or PUT_THERE
    place = archive_path(archive.url)
    if place.exists():
        return f"the workflow unpacks {place}, which is there"
    size = "" if archive.size is None else f" ({archive.size / 1e9:.1f} GB)"
    return f"the workflow downloads {archive.url}{size}; or put that file at {place}"


def _headers(folder: Path, names: Sequence[str], smallest_side: int) -> tuple[list[str], int]:
    """The images that cannot be opened, each with the reason, and the number of those that are too small."""
    bad, small = [], 0
    for name in names:
        try:
            with open_image(folder / name) as image:
                small += min(image.size) < smallest_side
        except UnreadableImageError as error:
            bad.append(f"{name}: {error.reason}")
    return bad, small
