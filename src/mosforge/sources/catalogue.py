"""The catalogue of a source: every usable photograph once, in a stable order, cut into shards.

Each file is read once: its bytes are hashed and decoded from memory, which proves that it is whole.
What cannot be used is set aside with the reason, never silently.
"""

import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.images import is_special, open_image, to_rgb
from mosforge.core.parallel import map_in_order

_log = logging.getLogger(__name__)

Photograph = tuple[str, str]
"""The id of a photograph and the path of its file."""


@dataclass(frozen=True)
class _Seen:
    """What one read of a file told; `reason` is empty for a photograph that can be used."""

    image_id: str
    path: str
    sha256: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    mode: str = ""
    reason: str = ""


def photographs_in(name: str, folder: str | os.PathLike[str], images: int | None = None) -> list[Photograph]:
    """The picture files of a folder, sorted by id, their number compared with the declared one.

    Args:
        name: the source's name in the configuration.
        folder: where the photographs lie, at any depth.
        images: how many the configuration says there are; the number of shards is planned from it.

    Raises:
        MosforgeError: the folder is missing, or holds more pictures than declared.
    """
    if not Path(folder).is_dir():
        raise MosforgeError(
            f"{folder}: the folder of source {name} is missing; `mosforge sources check {name}` says where "
            "to get it"
        )
    found = [(image_id, (Path(folder) / image_id).as_posix()) for image_id in find_images(folder)]
    if images is not None and len(found) > images:
        raise MosforgeError(
            f"{folder}: {len(found)} pictures are more than sources.collections.{name}.images = {images}; "
            "correct that key, since the number of shards is planned from it"
        )
    if images is not None and len(found) < images:
        _log.warning("%s: %d pictures found, %d expected in source %s", folder, len(found), images, name)
    return found


def build_catalogue(
    name: str, photographs: Iterable[Photograph], shard_size: int, smallest_side: int, threads: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads every file once and sorts it into the catalogue or among the excluded.

    Args:
        name: the source's name in the configuration.
        photographs: (image id, path) of each file, in any order.
        shard_size: photographs in a shard.
        smallest_side: a photograph with a shorter side, in pixels, is set aside.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        The frames of the artefacts `catalogue` and `excluded`, sorted by image id. Of files with
        the same bytes the catalogue keeps the first.

    Raises:
        MosforgeError: there is no file, or none that can be used.
    """
    ordered = sorted(photographs)
    if not ordered:
        raise MosforgeError(f"source {name}: there is no picture in its folder; {PUT_THERE}")
    reads = map_in_order(lambda photograph: _read(photograph, smallest_side), ordered, threads)
    progress = tqdm(reads, total=len(ordered), desc=f"catalogue {name}", unit="image", disable=None)
    seen = _without_twins(progress)
    kept = [one for one in seen if not one.reason]
    excluded = [one for one in seen if one.reason]
    if not kept:
        first = excluded[0]
        raise MosforgeError(
            f"source {name}: none of the {len(seen)} pictures can be used ({first.path}: {first.reason})"
        )
    _log.info("%s: %d photographs, %d set aside", name, len(kept), len(excluded))
    return _catalogue_frame(name, kept, shard_size), _excluded_frame(name, excluded)


def _read(photograph: Photograph, smallest_side: int) -> _Seen:
    image_id, path = photograph
    if not _is_unicode(image_id + path):
        image_id, path = (text.encode("utf-8", "backslashreplace").decode() for text in photograph)
        return _Seen(image_id, path, reason="the file's name is not valid UTF-8")
    if is_special(Path(path)):
        return _Seen(image_id, path, reason="not a regular file")
    try:
        data = Path(path).read_bytes()
        with open_image(data, path) as image:
            file_format, mode = image.format or "", image.mode
            height, width = to_rgb(image, path).shape[:2]
    except UnreadableImageError as error:
        return _Seen(image_id, path, reason=error.reason)
    except OSError as error:
        return _Seen(image_id, path, reason=f"the file cannot be read ({error.strerror or error})")
    if min(width, height) < smallest_side:
        reason = f"{width}x{height} pixels: a side is shorter than {smallest_side}"
        return _Seen(image_id, path, reason=reason)
    digest = hashlib.sha256(data).hexdigest()
    return _Seen(image_id, path, digest, width, height, file_format, mode)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a name in another encoding, which no table can hold
        return False
    return True


def _without_twins(seen: Iterable[_Seen]) -> list[_Seen]:
    first_with: dict[str, str] = {}
    result = []
    for one in seen:
        twin = first_with.setdefault(one.sha256, one.image_id) if not one.reason else one.image_id
        if twin != one.image_id:
            one = _Seen(one.image_id, one.path, reason=f"the same file as {twin}")
        result.append(one)
    return result


def _catalogue_frame(name: str, kept: Sequence[_Seen], shard_size: int) -> pd.DataFrame:
    frame = pd.DataFrame([vars(one) for one in kept]).drop(columns="reason")
    frame.insert(0, "source", name)
    frame["shard"] = frame.index // shard_size
    return frame


def _excluded_frame(name: str, excluded: Sequence[_Seen]) -> pd.DataFrame:
    rows = [(name, one.image_id, one.path, one.reason) for one in excluded]
    return pd.DataFrame(rows, columns=["source", "image_id", "path", "reason"])
