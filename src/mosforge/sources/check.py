"""The state of a source: what is there, what is missing, and where to get it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from mosforge.config.configuration import Configuration
from mosforge.config.files import entry_of
from mosforge.config.sources import Collection, Packaged
from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.images import open_image, read_rgb
from mosforge.core.parallel import available_threads, map_in_order
from mosforge.sources.fetch_source import archive_path, find_packaged

Row = dict[str, str]

MOST_DECODED = 1000
"""So many images of a source are decoded; of the others only the headers are read."""

_MOST_NAMED = 3
"""So many images that cannot be read are named."""


def check(name: str, config: Configuration) -> tuple[list[Row], bool]:
    """Looks at a source; of its images the first `MOST_DECODED` are decoded, of the others the headers read.

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
    bad, small = _look_at(folder, names, smallest_side)
    detail = f"{len(names)} images"
    detail += f" of {declared}" if declared is not None else ""
    detail += f", {small} with a side under {smallest_side} pixels" if small else ""
    detail += f", {len(bad)} not readable ({_some(bad)})" if bad else ""
    if len(names) > MOST_DECODED:
        detail += f"; only the first {MOST_DECODED} were decoded, and a later one may still be damaged"
    if declared is not None and len(names) < declared:
        detail += f"; {_advice(collection)}"
    if declared is not None and len(names) > declared:
        detail += "; correct the key images, since the number of shards is planned from it"
    is_usable = len(bad) + small < len(names)
    detail += "" if is_usable else f"; none can be used: {PUT_THERE}"
    return _row(folder, is_usable and declared in (None, len(names)), detail)


def _advice(collection: Collection) -> str:
    archive = collection.archive
    if archive is None:
        return collection.obtain or PUT_THERE
    place = archive_path(archive.url)
    if place.exists():
        return f"the workflow unpacks {place}, which is there"
    size = "" if archive.size is None else f" ({archive.size / 1e9:.1f} GB)"
    return f"the workflow downloads {archive.url}{size}; or put that file at {place}"


def _some(bad: Sequence[str]) -> str:
    more = len(bad) - _MOST_NAMED
    return "; ".join([*bad[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _look_at(folder: Path, names: Sequence[str], smallest_side: int) -> tuple[list[str], int]:
    """The images that cannot be read, each with the reason, and the number of those that are too small."""
    decoded, others = names[:MOST_DECODED], names[MOST_DECODED:]
    read = map_in_order(partial(_side_of_decoded, folder), decoded, available_threads())
    found = [*tqdm(read, total=len(decoded), unit="image", disable=None)]
    found += map(partial(_side_in_header, folder), others)
    bad = [f"{name}: {side}" for name, side in zip(names, found, strict=True) if isinstance(side, str)]
    return bad, sum(side < smallest_side for side in found if not isinstance(side, str))


def _side_of_decoded(folder: Path, name: str) -> int | str:
    """The shorter side of an image, or why it cannot be read."""
    try:
        height, width = read_rgb(folder / name).shape[:2]
    except UnreadableImageError as error:
        return error.reason
    return int(min(height, width))


def _side_in_header(folder: Path, name: str) -> int | str:
    try:
        with open_image(folder / name) as image:
            return min(image.size)
    except UnreadableImageError as error:
        return error.reason
