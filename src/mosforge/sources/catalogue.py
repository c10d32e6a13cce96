"""The job `catalogue`: every usable image of a source once, in a stable order, cut into shards.

Each file is read once: its bytes are hashed, and decoded from memory, which proves that it is whole. Files
that cannot be used are listed with the reason.
"""

import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.core.images import is_special, open_image, to_rgb
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
from mosforge.core.tables import read_table, write_table
from mosforge.sources.settings import CatalogueSettings

log = logging.getLogger(__name__)

Named = tuple[str, str]
"""The id of an image and the path of its file."""


def catalogue(
    name: str,
    *,
    output: Path,
    excluded: Path,
    cfg: CatalogueSettings,
    dataset: Path | None = None,
    threads: int = 1,
) -> None:
    """Catalogues the images of a source.

    Args:
        name: of the source in the configuration.
        output: the catalogue, Parquet.
        excluded: the files that cannot be used, each with the reason, Parquet.
        cfg: the folder and the limits.
        dataset: table of a target dataset whose images are the source, in the place of a folder's; Parquet.
        threads: files that are read at once.

    Raises:
        MosforgeError: there is no folder, no image that can be used, or more images than the settings say.
    """
    if dataset is not None:
        rows = read_table(dataset, DATASET)
        images = list(zip(rows["image"], rows["path"], strict=True))
    else:
        images = images_in(name, str(cfg.folder), cfg.images)
    kept, set_aside = build_catalogue(name, images, cfg.shard_size, cfg.smallest_side, threads)
    write_table(excluded, EXCLUDED, set_aside, stage="sources", cfg=cfg.plain())
    write_table(output, CATALOGUE, kept, stage="sources", cfg=cfg.plain())


def images_in(name: str, folder: str | os.PathLike[str], expected: int | None = None) -> list[Named]:
    """The image files of a folder, sorted by id.

    Args:
        name: of the source in the configuration.
        folder: where the images lie, at any depth.
        expected: their number, if the configuration says it; the number of shards is planned from it.

    Raises:
        MosforgeError: the folder is missing, or holds more images than expected.
    """
    if not Path(folder).is_dir():
        raise MosforgeError(
            f"{folder}: the folder of source {name} is missing; `mosforge sources check {name}` says where "
            "to get it"
        )
    found = [(image_id, (Path(folder) / image_id).as_posix()) for image_id in find_images(folder)]
    if expected is not None and len(found) > expected:
        raise MosforgeError(
            f"{folder}: {len(found)} images are more than sources.collections.{name}.images = {expected}; "
            "correct that key, since the number of shards is planned from it"
        )
    if expected is not None and len(found) < expected:
        log.warning("%s: %d images found, %d expected in source %s", folder, len(found), expected, name)
    return found


def build_catalogue(
    name: str, images: Iterable[Named], shard_size: int, smallest_side: int, threads: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads every file once, and sorts out those that cannot be used.

    Args:
        name: of the source in the configuration.
        images: in any order.
        shard_size: images in a shard.
        smallest_side: an image with a shorter side, in pixels, is set aside.
        threads: files that are read at once; the result does not depend on it.

    Returns:
        The rows of the artefacts `catalogue` and `excluded`, sorted by image id. Of files with the same bytes
        the catalogue keeps the first.

    Raises:
        MosforgeError: there is no file, or none that can be used.
    """
    ordered = sorted(images)
    if not ordered:
        raise MosforgeError(f"source {name}: there is no image in its folder; {PUT_THERE}")
    reads = map_in_order(lambda named: _read(named, smallest_side), ordered, threads)
    progress = tqdm(reads, total=len(ordered), desc=f"catalogue {name}", unit="image", disable=None)
    files = pd.DataFrame([vars(file) for file in progress]).assign(source=name)
    first = files[files["reason"] == ""].groupby("sha256")["image_id"].transform("first")
    twins = first[first != files["image_id"].loc[first.index]]
    files.loc[twins.index, "reason"] = "the same file as " + twins
    is_usable = files["reason"] == ""
    excluded = files.loc[~is_usable, EXCLUDED.columns].reset_index(drop=True)
    kept = files[is_usable].drop(columns="reason").reset_index(drop=True)
    if kept.empty:
        path, reason = files.loc[0, ["path", "reason"]]
        raise MosforgeError(f"source {name}: none of the {len(files)} images can be used ({path}: {reason})")
    log.info("%s: %d images, %d set aside", name, len(kept), len(excluded))
    return kept.assign(shard=kept.index // shard_size), excluded


@dataclass(frozen=True)
class _File:
    """What reading a file gave; `reason` says why it cannot be used, and is empty if it can."""

    image_id: str
    path: str
    sha256: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    mode: str = ""
    reason: str = ""


def _read(named: Named, smallest_side: int) -> _File:
    # a name in another encoding is escaped, since no table can hold it
    image_id, path = (text.encode("utf-8", "backslashreplace").decode() for text in named)
    if (image_id, path) != named:
        return _File(image_id, path, reason="the file's name is not valid UTF-8")
    if is_special(Path(path)):
        return _File(image_id, path, reason="not a regular file")
    try:
        data = Path(path).read_bytes()
        with open_image(data, path) as image:
            file_format, mode = image.format or "", image.mode
            height, width = to_rgb(image, path).shape[:2]
    except UnreadableImageError as error:
        return _File(image_id, path, reason=error.reason)
    except OSError as error:
        return _File(image_id, path, reason=f"the file cannot be read ({error.strerror or error})")
    if min(width, height) < smallest_side:
        reason = f"{width}x{height} pixels: a side is shorter than {smallest_side}"
        return _File(image_id, path, reason=reason)
    digest = hashlib.sha256(data).hexdigest()
    return _File(image_id, path, digest, width, height, file_format, mode)
