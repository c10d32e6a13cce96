"""The job `fetch_source`: fills the folder of a source from an archive or from installed packages."""

import importlib.resources
import json
import logging
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from mosforge.core.atomic import atomic_folder
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file, write_json
from mosforge.core.folders import find_images
from mosforge.core.images import Pixels, open_image, to_rgb
from mosforge.sources.download import download
from mosforge.sources.settings import FetchSettings
from mosforge.sources.unpack import unpack

log = logging.getLogger(__name__)

DOWNLOADS = Path("resources/downloads")
"""Folder of the archives; one that the user puts there is verified and used."""

_NOTE = ".fetched.json"
"""A file in each folder that this job filled. Its name is hidden, so it is never taken for an image."""


def fetch_source(name: str, *, output: Path, cfg: FetchSettings) -> None:
    """Fills the folder of a source, once.

    A folder that already holds what the settings say is left as it is, and one that earlier settings made is
    replaced. A folder of the user's is used if it holds as many images as the settings say. Nothing that the
    user put into a folder is overwritten or removed.

    Args:
        name: name of the source in the configuration.
        output: JSON file with the `path` of the folder, its number of `files`, and a `digest` of their names
            and bytes.
        cfg: the folder and where its images come from.

    Raises:
        MosforgeError: the folder holds something that is the user's; or see `download`, `unpack` and
            `write_tiles`.
    """
    folder, archive, packaged = Path(cfg.folder), cfg.archive, cfg.packaged
    found = len(find_images(folder)) if folder.is_dir() else 0
    recipe = cfg.plain(without=("folder", "images"))
    note = _read_note(folder)
    if note is None and found:
        _check_number(name, folder, found, cfg.images)
        log.info("%s: the %d expected images are there", folder, found)
    elif note is not None and note.get("recipe") == recipe and note.get("holds") == contents(folder):
        log.info("%s: already there", folder)
    else:
        _check_nothing_is_lost(name, folder, note, found)
        if archive is not None:
            file = download(archive.url, archive_path(archive.url), archive.checksum, archive.size)
        # a link, perhaps to a larger disk, stays one: the folder that it leads to is filled
        with atomic_folder(folder.resolve() if folder.is_symlink() else folder) as place:
            if archive is not None:
                files = unpack(file, place, archive.pictures)
            else:
                assert packaged is not None, "a source is fetched from an archive or from packages"
                files = write_tiles(packaged.photographs, packaged.tile, packaged.stride, place)
            write_json(place / _NOTE, {"recipe": recipe, "holds": contents(place)})
        log.info("%s: %d files", folder, files)
    write_json(output, {"path": folder.as_posix(), **contents(folder)})


def contents(folder: Path) -> dict[str, Any]:
    """The number of images below a folder, and a digest of their names and bytes."""
    names = find_images(folder)
    return {"files": len(names), "digest": digest([(name, sha256_of_file(folder / name)) for name in names])}


def archive_path(url: str) -> Path:
    """The file that the archive of an address is downloaded to."""
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
    if not name or name.startswith("."):
        raise MosforgeError(f"archive {url}: the address does not end in the name of a file")
    return DOWNLOADS / name


def _check_number(name: str, folder: Path, found: int, expected: int | None) -> None:
    if found != expected:
        wanted = "an empty one" if expected is None else f"one with {expected}"
        raise MosforgeError(
            f"{folder}: the folder holds {found} images that mosforge did not put there, where source "
            f"{name} expects {wanted}; move them away, or remove its key archive or packaged to use them"
        )


def _check_nothing_is_lost(name: str, folder: Path, note: Mapping[str, Any] | None, found: int) -> None:
    """Refuses to replace a folder that holds something of the user's."""
    advice = f"move away what is yours, or give source {name} another folder"
    if note is None:
        own = min(_visible_files(folder), default=None)
        if own is not None:
            raise MosforgeError(f"{folder}: mosforge did not put {own} there, and would remove it; {advice}")
    elif found > (put := note.get("holds", {}).get("files", 0)):
        raise MosforgeError(f"{folder}: the folder holds {found} images where mosforge put {put}; {advice}")


def _visible_files(folder: Path) -> Iterator[Path]:
    """Files at any depth, relative to the folder, without the hidden ones that desktops leave behind."""
    inside = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return (path for path in inside if not any(part.startswith(".") for part in path.parts))


def _read_note(folder: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def write_tiles(names: Sequence[str], tile: int, stride: int, destination: Path) -> int:
    """Cuts images into squares and saves them as `{stem}/{stem}_{row}_{column}.png`, lossless.

    Args:
        names: `package/path/inside` of each, for example `skimage/data/astronaut.png`.
        tile: side of a tile in pixels.
        stride: pixels from one tile to the next; tiles that would leave the image are not made.
        destination: an existing folder.

    Returns:
        The number of tiles.

    Raises:
        MosforgeError: a package or an image is missing, two images have the same name, or one is smaller than
            a tile.
    """
    stems = [PurePosixPath(name).stem for name in names]
    written = 0
    for stem, name in zip(stems, names, strict=True):
        if stems.count(stem) > 1:
            raise MosforgeError(f"packaged images: more than one is called {stem} ({name}); keep one")
        pixels = packaged_image(name)
        height, width = pixels.shape[:2]
        if min(height, width) < tile:
            raise MosforgeError(f"packaged image {name}: smaller than a tile of {tile} pixels; leave it out")
        folder = destination / stem
        folder.mkdir()
        for row, top in enumerate(range(0, height - tile + 1, stride)):
            for column, left in enumerate(range(0, width - tile + 1, stride)):
                square = Image.fromarray(pixels[top : top + tile, left : left + tile])
                square.save(folder / f"{stem}_{row:02d}_{column:02d}.png")
                written += 1
    return written


def packaged_image(name: str) -> Pixels:
    """The pixels of an image inside an installed package."""
    with open_image(find_packaged(name).read_bytes(), name) as image:
        return to_rgb(image, name)


def find_packaged(name: str) -> Traversable:
    """The file `package/path/inside`.

    Raises:
        MosforgeError: it is missing; the message says what to install.
    """
    package, *inside = PurePosixPath(name).parts or ("",)
    if not inside or not all(part.isidentifier() for part in package.split(".")):
        raise MosforgeError(f"packaged image {name!r}: not a name like PACKAGE/PATH; correct it")
    try:
        file = importlib.resources.files(package).joinpath(*inside)
    except ModuleNotFoundError:
        raise MosforgeError(
            f"packaged image {name}: the Python package {package} is not installed; "
            "pip install mosforge[demo]"
        ) from None
    except TypeError:  # a module of one file
        raise MosforgeError(
            f"packaged image {name}: {package} is no package with files; correct it"
        ) from None
    if not file.is_file():
        raise MosforgeError(f"packaged image {name}: {package} has no such file; correct the name")
    return file
