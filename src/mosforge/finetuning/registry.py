"""The layouts of the target datasets: the facts that are known before a file is read, and the readers.

The workflow imports this module while it plans, so it imports nothing heavy.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.about import about
from mosforge.finetuning.datasets import (
    agiqa3k,
    biq2021,
    cid2013,
    csiq,
    flive,
    kadid10k,
    koniq10k,
    live,
    livec,
    livemd,
    pipal,
    spaq,
    table,
    tid2008,
    tid2013,
)
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder
from mosforge.finetuning.settings import DatasetSettings

CHANGES_NO_RESULT = "it only selects the module of a layout, and the rules' code digests cover that module"

_MODULES: tuple[Any, ...] = (
    *(live, csiq, tid2013, livec, koniq10k, kadid10k),
    *(spaq, flive, pipal, tid2008, cid2013, livemd, agiqa3k, biq2021),
)
_OFFICIAL = {module.LAYOUT.name: module for module in _MODULES}

LAYOUTS: Mapping[str, Layout] = {name: module.LAYOUT for name, module in _OFFICIAL.items()}
"""The official layouts by name; the layout `table` follows from the configuration, see `layout_of`."""


def layout_of(cfg: DatasetSettings) -> Layout:
    """The facts of a dataset's layout.

    Raises:
        MosforgeError: no such layout, or a key of the layout `table` is missing or impossible.
    """
    if cfg.layout == "table":
        return table.layout_of(cfg)
    if cfg.layout not in LAYOUTS:
        raise MosforgeError(
            f"layout {cfg.layout}: there is no such layout; use {', '.join(LAYOUTS)} or table"
        )
    return LAYOUTS[cfg.layout]


def rows_of(cfg: DatasetSettings) -> Iterator[Row]:
    """The images of a dataset, as the module of its layout reads them."""
    folder = Folder(cfg.folder)
    if cfg.layout == "table":
        return table.read(folder, cfg)
    rows: Iterator[Row] = _OFFICIAL[cfg.layout].read(folder)
    return rows


def missing(cfg: DatasetSettings) -> str | None:
    """What a dataset lacks, in one sentence: what is missing, where to get it and where to put it.

    Returns:
        None where each required file or folder is there.
    """
    required, folder = layout_of(cfg).required, Folder(cfg.folder)
    if not folder.path.is_dir():
        return f"the folder {folder.path.as_posix()} is missing: {about(cfg).obtain}"
    lacking = [names for names in required if not any(folder.find(name) for name in names)]
    if not lacking:
        return None
    listed = ", ".join(" or ".join(names) for names in lacking)
    return f"{folder.path.as_posix()} lacks {listed}: {about(cfg).obtain}"
