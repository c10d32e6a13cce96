"""`mosforge metrics`: the verbs of the workflow, and `mosforge metrics REFERENCE DISTORTED` for people."""

import argparse
from pathlib import Path
from typing import Any

from mosforge import options as commands

_ABOUT = "the six full-reference scores of distorted pictures"
_VERBS = frozenset({"shard", "dataset", "pair", "-h", "--help"})


def add_commands(subparsers: Any, verbs: Any) -> None:
    """Adds `mosforge metrics` to the command line."""
    _add_shard(verbs)
    _add_dataset(verbs)
    _add_pair(verbs)


def with_verb(words: list[str]) -> list[str]:
    """The command line with the verb that `mosforge metrics REFERENCE DISTORTED` leaves out, `pair`."""
    if len(words) > 1 and words[0] == "metrics" and words[1] not in _VERBS:
        return [words[0], "pair", *words[1:]]
    return words


def _add_shard(verbs: Any) -> None:
    parser = commands.add_verb(verbs, "shard", _run_shard, "score the pictures of one shard", cfg=True)
    parser.add_argument(
        "--manifest",
        type=Path,
        required=True,
        metavar="DIR",
        help="the shard: a folder with manifest.parquet",
    )
    _add_job_options(parser)


def _add_dataset(verbs: Any) -> None:
    about = "score a target dataset's pictures against their references"
    parser = commands.add_verb(verbs, "dataset", _run_dataset, about, cfg=True)
    parser.add_argument(
        "--dataset", type=Path, required=True, metavar="FILE", help="the dataset's normalised table"
    )
    _add_job_options(parser)


def _add_job_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="Parquet file to write")
    commands.add_threads(parser)
    parser.add_argument("--device", default="auto", help="of the engine piq: cpu, cuda or auto (the default)")


def _add_pair(verbs: Any) -> None:
    about = "score one picture against its reference; the verb may be left out"
    parser = commands.add_verb(verbs, "pair", _run_pair, about)
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="the undistorted picture")
    parser.add_argument("distorted", type=Path, metavar="DISTORTED", help="a picture of the same size")
    parser.add_argument("--engine", default="fused", help="fused (the default) or piq")
    commands.add_format(parser)


def _run_shard(arguments: argparse.Namespace) -> None:
    from mosforge.metrics.stage import score_shard

    score_shard(arguments.manifest, arguments.output, arguments.cfg, arguments.threads, arguments.device)


def _run_dataset(arguments: argparse.Namespace) -> None:
    from mosforge.metrics.stage import score_dataset

    score_dataset(arguments.dataset, arguments.output, arguments.cfg, arguments.threads, arguments.device)


def _run_pair(arguments: argparse.Namespace) -> None:
    from mosforge.metrics.pair import COLUMNS, score_pair

    row = score_pair(arguments.reference, arguments.distorted, arguments.engine)
    commands.write_rows([row], COLUMNS, arguments)
