"""The rule `index_packs`: the packs of all shards of a corpus under one index."""

from pathlib import Path

import pandas as pd

from mosforge.core.layout import shard_paths
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table, write_table
from mosforge.pretraining.settings import IndexPacksSettings


def index_packs(packs: Path, *, output: Path, cfg: IndexPacksSettings) -> None:
    """Joins the indices of the packs of a corpus.

    Args:
        packs: folder of the indices: GROUP/SHARD.parquet (artefact `pack`).
        output: the index of the corpus, Parquet (artefact `pack`), in the order of groups and shards.
        cfg: the shards of the corpus.

    Raises:
        MosforgeError: an index is missing or damaged.
    """
    shards = shard_paths(cfg.groups, cfg.shards)
    indices = [read_table(packs / group / f"{shard}.parquet", PACK) for group, shard in shards]
    index = pd.concat(indices, ignore_index=True)
    write_table(output, PACK, index, stage="pretraining", cfg=cfg.plain())
