"""`mosforge pmos`: the labels of a corpus, what they look like, and how well people agree with them."""

import argparse
import logging
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.options import add_verb

log = logging.getLogger(__name__)


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verbs `fuse`, `diagnose` and `validate`."""
    fuse = add_verb(verbs, "fuse", _fuse, "fuse the scores of all shards of a corpus", cfg=True)
    fuse.add_argument("--metrics", type=Path, required=True, metavar="DIR", help="results/metrics/CORPUS")
    fuse.add_argument(
        "--targets", type=Path, metavar="FILE", help="logistic: scored pictures of the dataset to fit to"
    )
    fuse.add_argument(
        "--leaks", type=Path, nargs="*", default=[], metavar="FILE", help="photographs to leave out, Parquet"
    )
    fuse.add_argument("--output", type=Path, required=True, metavar="FILE", help="labels, Parquet")
    fuse.add_argument("--mapping", type=Path, required=True, metavar="FILE", help="what maps them, JSON")

    diagnose = add_verb(verbs, "diagnose", _diagnose, "distributions, falls with the level, agreement")
    diagnose.add_argument("--labels", type=Path, required=True, metavar="FILE")
    diagnose.add_argument("--output", type=Path, required=True, metavar="FILE", help="JSON")

    about = "correlate the metrics and the fusions with a dataset's human scores"
    validate = add_verb(verbs, "validate", _validate, about, cfg=True)
    validate.add_argument("--targets", type=Path, required=True, metavar="FILE", help="its scored pictures")
    validate.add_argument("--mapping", type=Path, metavar="FILE", help="of the corpus, for quantile")
    validate.add_argument("--fitted", type=Path, metavar="FILE", help="scored pictures, for logistic")
    validate.add_argument("--output", type=Path, required=True, metavar="FILE")


def _fuse(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.core.files import write_json
    from mosforge.core.shards import shard_paths
    from mosforge.core.tables import METRICS, read_table, write_table
    from mosforge.pmos.curves import curves_of
    from mosforge.pmos.fusion import fuse
    from mosforge.pmos.leaks import without_leaks

    cfg = arguments.cfg
    shards = shard_paths(cfg["groups"], cfg["shards"])
    files = [arguments.metrics / group / f"{shard}.parquet" for group, shard in shards]
    if not files:
        raise MosforgeError(
            f"{arguments.metrics}: the corpus has no photograph; "
            "`mosforge sources check NAME` says what is missing"
        )
    scores = pd.concat([read_table(file, "metrics") for file in files], ignore_index=True)
    scores = without_leaks(scores, [read_table(file, "leaks") for file in arguments.leaks])
    curves = curves_of(read_table(arguments.targets, "targets")) if arguments.targets else None
    fused = fuse(scores[list(METRICS)].to_numpy(), cfg["fusion"], cfg["knots"], curves)
    write_json(arguments.mapping, fused.mapping)
    labels = scores.assign(pmos=fused.pmos, agreement=fused.agreement)
    write_table(arguments.output, "pmos", labels, stage="pmos", cfg=cfg)
    lowest, highest = fused.pmos.min(), fused.pmos.max()
    log.info("%d labels from %d shards, pseudo-MOS %.3f to %.3f", len(labels), len(files), lowest, highest)


def _diagnose(arguments: argparse.Namespace) -> None:
    from mosforge.core.files import write_json
    from mosforge.core.tables import read_table
    from mosforge.pmos.diagnostics import diagnose

    found = diagnose(read_table(arguments.labels, "pmos"))
    write_json(arguments.output, found)
    log.info("%s: %d labels of %d types", arguments.output, found["pictures"], len(found["types"]))


def _validate(arguments: argparse.Namespace) -> None:
    from mosforge.core.tables import read_table, write_table
    from mosforge.options import read_json
    from mosforge.pmos.validation import validate

    targets = read_table(arguments.targets, "targets")
    mapping = read_json(arguments.mapping) if arguments.mapping else None
    fitted = read_table(arguments.fitted, "targets") if arguments.fitted else None
    frame = validate(targets, arguments.cfg["corpus"], mapping, fitted)
    write_table(arguments.output, "validation", frame, stage="pmos", cfg=arguments.cfg)
    log.info("%s: %d measures of %d pictures", arguments.output, len(frame), len(targets))
