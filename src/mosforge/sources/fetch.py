"""Brings a source's photographs into its folder, once, and says what lies there."""

import json
import logging
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_folder, digest, sha256_of_file, write_json
from mosforge.core.folders import find_images
from mosforge.sources.download import download
from mosforge.sources.tiles import write_tiles
from mosforge.sources.unpack import unpack

_log = logging.getLogger(__name__)

DOWNLOADS = Path("resources/downloads")
"""Where archives are kept; one that is put there by hand is verified and used."""

_NOTE = ".fetched.json"  # hidden, so never taken for a photograph; tells our folders from a user's

Collection = Mapping[str, Any]
_DIGITS = {"md5": 32, "sha256": 64}


def fetch(name: str, collection: Collection, downloads: Path = DOWNLOADS) -> dict[str, Any]:
    """Fills the folder of a source from its archive or from installed packages.

    A folder that already holds what this configuration makes is left as it is; one that an earlier
    configuration made is replaced; a folder of the user's is used if it holds as many pictures as
    `images` declares, and is never overwritten. What else the user put into a folder is not removed either.

    Args:
        name: the source's name in the configuration.
        collection: its mapping: `folder`, and `archive` or `packaged`.
        downloads: folder that archives are kept in.

    Returns:
        `path`, `files` and `digest` (of names and contents) of the folder.

    Raises:
        MosforgeError: the folder holds what is the user's; see `download`, `unpack` and `write_tiles`.
    """
    folder = Path(collection["folder"])
    recipe = {key: collection[key] for key in ("archive", "packaged") if key in collection}
    if len(recipe) != 1:
        raise MosforgeError(
            f"source {name}: it needs either the key archive or the key packaged to be fetched"
        )
    found = find_images(folder) if folder.is_dir() else []
    note = _read_note(folder)
    if note is None and found:
        _accept(name, folder, len(found), collection.get("images"))
    elif note is None or note.get("recipe") != recipe or note.get("holds") != contents(folder):
        _refuse_to_lose(name, folder, note, len(found))
        _fill(name, folder, recipe, downloads)
    else:
        _log.info("%s: already there", folder)
    return {"path": folder.as_posix(), **contents(folder)}


def contents(folder: Path) -> dict[str, Any]:
    """Number of the pictures below a folder, and a digest of their names and bytes."""
    names = find_images(folder)
    return {"files": len(names), "digest": digest([(name, sha256_of_file(folder / name)) for name in names])}


def archive_path(archive: Mapping[str, Any], downloads: Path = DOWNLOADS) -> Path:
    """Where the archive of an address is kept."""
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(archive["url"]).path)).name
    if not name or name.startswith("."):
        raise MosforgeError(f"archive {archive['url']}: the address does not end in the name of a file")
    return downloads / name


def _accept(name: str, folder: Path, found: int, images: int | None) -> None:
    if found != images:
        expected = "an empty one" if images is None else f"one with {images}"
        raise MosforgeError(
            f"{folder}: the folder holds {found} pictures that mosforge did not put there, where source "
            f"{name} expects {expected}; move them away, or remove its key archive or packaged to use them"
        )
    _log.info("%s: the %d expected pictures are there", folder, found)


def _refuse_to_lose(name: str, folder: Path, note: Mapping[str, Any] | None, found: int) -> None:
    """Before a folder is replaced: what the user put there would go with it."""
    advice = f"move away what is yours, or give source {name} another folder"
    if note is None:
        own = min(_visible_files(folder), default=None)
        if own is not None:
            raise MosforgeError(f"{folder}: mosforge did not put {own} there, and would remove it; {advice}")
    elif found > (put := note.get("holds", {}).get("files", 0)):
        raise MosforgeError(f"{folder}: the folder holds {found} pictures where mosforge put {put}; {advice}")


def _visible_files(folder: Path) -> Iterator[Path]:
    """Files at any depth, relative to the folder, without the hidden ones that desktops leave behind."""
    inside = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return (path for path in inside if not any(part.startswith(".") for part in path.parts))


def _fill(name: str, folder: Path, recipe: Mapping[str, Any], downloads: Path) -> None:
    write = _writer(name, recipe, downloads)
    # a link, to a larger disk perhaps, stays one: where it leads to is filled
    with atomic_folder(folder.resolve() if folder.is_symlink() else folder) as place:
        files = write(place)
        write_json(place / _NOTE, {"recipe": recipe, "holds": contents(place)})
    _log.info("%s: %d files", folder, files)


def _writer(name: str, recipe: Mapping[str, Any], downloads: Path) -> Callable[[Path], int]:
    """What fills an empty folder; an archive is downloaded before that folder is made."""
    if "packaged" in recipe:
        packaged = recipe["packaged"]
        return lambda place: write_tiles(packaged["photographs"], packaged["tile"], packaged["stride"], place)
    archive = recipe["archive"]
    file = archive_path(archive, downloads)
    download(archive["url"], file, _checksum(name, archive), archive.get("size"))
    return lambda place: unpack(file, place, archive.get("pictures", ""))


def _checksum(name: str, archive: Mapping[str, Any]) -> tuple[str, str]:
    for algorithm, digits in _DIGITS.items():
        if algorithm in archive:
            if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", str(archive[algorithm])):
                raise MosforgeError(f"source {name}: archive.{algorithm} must be {digits} hexadecimal digits")
            return algorithm, archive[algorithm]
    raise MosforgeError(f"source {name}: its archive needs the key md5 or sha256, so that it can be verified")


def _read_note(folder: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None
