"""`mosforge pmos`: the labels of a corpus."""

import argparse
import logging
from pathlib import Path
from typing import Any

from mosforge.commands import add_stage, add_verb

log = logging.getLogger(__name__)


def add_commands(commands: Any) -> None:
    """Adds `pmos fuse`."""
    verbs = add_stage(commands, "pmos", "fuse six full-reference scores into a pseudo-MOS")
    parser = add_verb(verbs, "fuse", _fuse, "fuse the scores of all shards of a corpus", cfg=True)
    parser.add_argument("--metrics", type=Path, required=True, metavar="DIR", help="results/metrics/CORPUS")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="labels, Parquet")
    parser.add_argument("--mapping", type=Path, required=True, metavar="FILE", help="what maps them, JSON")


def _fuse(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.files import write_json
    from mosforge.pmos.fusion import fuse
    from mosforge.shards import shard_paths
    from mosforge.tables import METRICS, read_table, write_table

    cfg = arguments.cfg
    shards = shard_paths(cfg["groups"], cfg["shards"])
    files = [arguments.metrics / group / f"{shard}.parquet" for group, shard in shards]
    scores = pd.concat([read_table(file, "metrics") for file in files], ignore_index=True)
    fused = fuse(scores[list(METRICS)].to_numpy(), cfg["fusion"], cfg["knots"])
    write_json(arguments.mapping, fused.mapping)
    labels = scores.assign(pmos=fused.pmos, agreement=fused.agreement)
    write_table(arguments.output, "pmos", labels, stage="pmos", cfg=cfg)
    lowest, highest = fused.pmos.min(), fused.pmos.max()
    log.info("%d labels from %d shards, pseudo-MOS %.3f to %.3f", len(labels), len(files), lowest, highest)
