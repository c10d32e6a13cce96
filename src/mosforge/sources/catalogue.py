"""The job `catalogue`: every usable image of a source once, in a stable order.

Files that cannot be used are listed with the reason.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.core.folders import PUT_THERE
from mosforge.core.layout import shard_name
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED, FILES
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.sources.settings import CatalogueSettings

log = logging.getLogger(__name__)


def catalogue(name: str, *, shards: Path, output: Path, excluded: Path, cfg: CatalogueSettings) -> None:
    """Joins what was read of the shards of a source.

    Args:
        name: name of the source in the configuration.
        shards: folder of the tables of its shards: SHARD.parquet (artefact `files`).
        output: the catalogue, Parquet.
        excluded: the files that cannot be used, each with the reason, Parquet.
        cfg: the number of shards, and the number of images if the configuration has it.

    Raises:
        MosforgeError: a table is missing, no image can be used, or there are more than configured.
    """
    tables = [shards / f"{shard_name(name, number)}.parquet" for number in range(cfg.shards)]
    kept, set_aside = join(name, [read_table(table, FILES) for table in tables])
    check_count(name, len(kept) + len(set_aside), cfg.images)
    log.info("%s: %d images, %d set aside", name, len(kept), len(set_aside))
    write_table(excluded, EXCLUDED, set_aside, stage="sources", cfg=cfg.plain())
    write_table(output, CATALOGUE, kept, stage="sources", cfg=cfg.plain())


def check_count(name: str, found: int, expected: int | None) -> None:
    """Compares the number of images with the one that the configuration says, if it says one.

    Raises:
        MosforgeError: there are more.
    """
    if expected is None or found == expected:
        return
    key = f"sources.collections.{name}.images"
    if found > expected:
        reason = f"{found} images are more than {key} = {expected}"
        raise MosforgeError(
            f"source {name}: {reason}; correct that key, since the number of shards is planned from it"
        )
    log.warning("source %s: %d images found, %d expected by %s", name, found, expected, key)


def join(name: str, shards: Sequence[Frame]) -> tuple[Frame, Frame]:
    """Puts the files of all shards into one order, and sets aside all but the first of equal files.

    Args:
        name: of the source.
        shards: rows of the artefact `files`, of each shard in the order of their numbers.

    Returns:
        The rows of the artefacts `catalogue` and `excluded`, sorted by image id.

    Raises:
        MosforgeError: there is no file, or none that can be used.
    """
    numbered = [files.assign(shard=number) for number, files in enumerate(shards)]
    files = pd.concat(numbered).sort_values("image_id", ignore_index=True) if shards else pd.DataFrame()
    if files.empty:
        raise MosforgeError(f"source {name}: there is no image in its folder; {PUT_THERE}")
    first = files[files["reason"].isna()].groupby("sha256")["image_id"].transform("first")
    twins = first[first != files["image_id"].loc[first.index]]
    files.loc[twins.index, "reason"] = "the same file as " + twins
    is_usable = files["reason"].isna()
    if not is_usable.any():
        path, reason = files.loc[0, ["path", "reason"]]
        raise MosforgeError(f"source {name}: none of the {len(files)} images can be used ({path}: {reason})")
    kept = files.loc[is_usable, CATALOGUE.columns].reset_index(drop=True)
    return kept, files.loc[~is_usable, EXCLUDED.columns].reset_index(drop=True)
