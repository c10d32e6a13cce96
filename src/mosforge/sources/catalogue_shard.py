"""The job `catalogue_shard`: every file of one shard of a source is read once.

Its bytes are hashed, and decoded from memory, which proves that it is whole. A file that cannot be used is
listed with the reason.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm import tqdm

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.folders import find_images
from mosforge.core.images import is_special, open_image, to_rgb
from mosforge.core.layout import shard_of
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.sources import FILES
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.sources.settings import CatalogueShardSettings

Named = tuple[str, str]
"""The id of an image and the path of its file."""


def catalogue_shard(
    name: str,
    number: int,
    *,
    output: Path,
    cfg: CatalogueShardSettings,
    dataset: Path | None = None,
    threads: int = 1,
) -> None:
    """Reads the images of a shard of a source.

    Args:
        name: name of the source in the configuration.
        number: number of the shard, from 0; the shard may hold no image.
        output: what was found of each file, Parquet (artefact `files`), sorted by image id.
        cfg: the folder, the number of shards and the limits.
        dataset: table of a target dataset whose images are the source, instead of those of a folder; Parquet.
        threads: files that are read at once.

    Raises:
        MosforgeError: there is no folder.
    """
    if dataset is not None:
        rows = read_table(dataset, DATASET)
        images = list(zip(rows["image"], rows["path"], strict=True))
    else:
        images = images_in(name, str(cfg.folder))
    own = [named for named in images if shard_of(named[0], cfg.shards) == number]
    files = read_images(own, cfg.smallest_side, threads).assign(source=name)
    write_table(output, FILES, files, stage="sources", cfg=cfg.plain())


def images_in(name: str, folder: str | os.PathLike[str]) -> list[Named]:
    """The image files of a folder, sorted by id.

    Args:
        name: of the source in the configuration.
        folder: where the images lie, at any depth.

    Raises:
        MosforgeError: the folder is missing.
    """
    if not Path(folder).is_dir():
        raise MosforgeError(
            f"{folder}: the folder of source {name} is missing; `mosforge sources check {name}` says where "
            "to get it"
        )
    return [(image_id, (Path(folder) / image_id).as_posix()) for image_id in find_images(folder)]


class _File(NamedTuple):
    """What reading a file gave, with the columns of the artefact `files`; a size or a reason."""

    image_id: str
    path: str
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    mode: str | None = None
    reason: str | None = None


def read_images(images: Iterable[Named], smallest_side: int, threads: int = 1) -> Frame:
    """Reads every file once.

    Args:
        images: in any order.
        smallest_side: an image with a shorter side, in pixels, is set aside.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        The rows of the artefact `files` without the source, sorted by image id.
    """
    ordered = sorted(images)
    reads = map_in_order(lambda named: _read(named, smallest_side), ordered, threads)
    progress = tqdm(reads, total=len(ordered), desc="catalogue", unit="image", disable=None)
    rows = pd.DataFrame(list(progress), columns=list(_File._fields), dtype=object)
    return rows.astype({"width": "Int32", "height": "Int32"})


def _read(named: Named, smallest_side: int) -> _File:
    # a name in another encoding is escaped, since no table can hold it
    image_id, path = (text.encode("utf-8", "backslashreplace").decode() for text in named)
    if (image_id, path) != named:
        return _File(image_id, path, reason="the file's name is not valid UTF-8")
    if is_special(Path(path)):
        return _File(image_id, path, reason="not a regular file")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return _File(image_id, path, reason=f"the file cannot be read ({error.strerror or error})")
    digest = hashlib.sha256(data).hexdigest()
    try:
        with open_image(data, path) as image:
            file_format, mode = image.format or "", image.mode
            height, width = to_rgb(image, path).shape[:2]
    except UnreadableImageError as error:
        return _File(image_id, path, digest, reason=error.reason)
    if min(width, height) < smallest_side:
        reason = f"{width}x{height} pixels: a side is shorter than {smallest_side}"
        return _File(image_id, path, digest, reason=reason)
    return _File(image_id, path, digest, width, height, file_format, mode)
