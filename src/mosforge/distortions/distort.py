"""The job `distort`: a shard of a source's images with all distortions of one group, and their manifest."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mosforge.core.atomic import atomic_folder
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.sources import FILES
from mosforge.core.stamps import MANIFEST_NAME
from mosforge.core.tables import read_table, write_table
from mosforge.distortions import render
from mosforge.distortions.render import Reference, group_of, render_variants
from mosforge.distortions.settings import DistortSettings
from mosforge.distortions.workers import mapped

log = logging.getLogger(__name__)


def distort(files: Path, *, output: Path, cfg: DistortSettings, threads: int = 1) -> None:
    """Distorts the images of one shard of a source.

    The folder is written whole or not at all. The bytes of an image depend only on its reference image and
    `cfg`, not on the shard nor on the number of processes. A process holds one reference image and one
    distorted image at a time.

    Args:
        files: the files of the shard, Parquet (artefact `files`); if none can be used, the manifest is empty.
        output: folder of the images and their manifest, whose paths begin with it as it is given here.
        cfg: the distortions of one group of a corpus.
        threads: worker processes.

    Raises:
        MosforgeError: a distortion is not possible, a reference image has changed or cannot be read, or there
            is no room.
    """
    rows_of_files = read_table(files, FILES)
    usable = rows_of_files.loc[rows_of_files["reason"].isna(), list(Reference._fields)]
    references = [Reference(*row) for row in usable.itertuples(index=False)]
    # Processes and not threads: Pillow's codecs keep the interpreter's lock, so that two threads encode
    # JPEG2000 no faster than one. A process reads its reference images itself, so no pixels are sent.
    rows: list[dict[str, Any]] = []
    with atomic_folder(output) as folder:
        work = partial(render_variants, cfg=cfg, folder=folder)
        with mapped(work, references, min(threads, len(references)), render.__name__) as results:
            for made in tqdm(results, total=len(references), desc=group_of(cfg), unit="image", disable=None):
                rows += [row | {"path": (output / row["path"]).as_posix()} for row in made]
        columns = {name: [row[name] for row in rows] for name in MANIFEST.columns}
        write_table(folder / MANIFEST_NAME, MANIFEST, columns, stage="distortions", cfg=cfg.plain())
    log.info("%s: %d distorted images of %d reference images", output, len(rows), len(references))
