"""The images in a folder: which files count, and in which order."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from mosforge.core.errors import MosforgeError

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".jp2", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Lower-case endings of the files that count as images."""

PUT_THERE = f"put images there ({' '.join(sorted(SUFFIXES))})"
"""What a user does about a folder without images."""


def find_images(
    folder: str | os.PathLike[str], unreadable: Callable[[str, OSError], None] | None = None
) -> list[str]:
    """The image files below `folder`, as sorted POSIX paths relative to it.

    Hidden files and folders are left out. The order is that of the code points, on every machine.

    Args:
        folder: where to look, at any depth.
        unreadable: called with the relative path of each folder that cannot be listed, and the reason;
            without it, the first such folder is an error.

    Raises:
        MosforgeError: a folder cannot be listed, and `unreadable` is not given.
    """
    return sorted(_walk(Path(folder), "", unreadable or _stop))


def _stop(folder: str, error: OSError) -> None:
    raise MosforgeError(f"{error.filename}: {error.strerror}") from None


def _walk(
    folder: Path,
    prefix: str,
    unreadable: Callable[[str, OSError], None],
    above: frozenset[Path] = frozenset(),
) -> Iterator[str]:
    here = folder.resolve()
    if here in above:  # a link that leads back up
        return
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError as error:
        unreadable(prefix, error)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _leads_to_folder(entry):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", unreadable, above | {here})
        elif Path(entry.name).suffix.lower() in SUFFIXES:
            yield prefix + entry.name


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
