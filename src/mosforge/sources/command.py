"""`mosforge sources`: fetch, catalogue and check photographs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from mosforge.commands import add_config, add_stage, add_verb, format_rows


def add_commands(commands: Any) -> None:
    """Adds the verbs of this stage."""
    verbs = add_stage(commands, "sources", "download, check and catalogue source photographs")

    fetch = add_verb(verbs, "fetch", _fetch, "download or make a source's photographs", cfg=True)
    fetch.add_argument("--name", required=True, help="the source's name in the configuration")
    fetch.add_argument(
        "--output", type=Path, required=True, metavar="JSON", help="says what lies in the folder"
    )

    catalogue = add_verb(verbs, "catalogue", _catalogue, "catalogue a source's photographs", cfg=True)
    catalogue.add_argument("--name", required=True, help="the source's name in the configuration")
    catalogue.add_argument("--output", type=Path, required=True, metavar="PARQUET", help="the catalogue")
    catalogue.add_argument(
        "--excluded", type=Path, required=True, metavar="PARQUET", help="files set aside, with the reason"
    )
    catalogue.add_argument("--threads", type=int, default=1, help="files read at once; default: 1")
    catalogue.add_argument(
        "--dataset",
        type=Path,
        metavar="PARQUET",
        help="take the pictures of this target dataset, not a folder's",
    )

    check = add_verb(verbs, "check", _check, "say what of a source is there and where to get the rest")
    check.add_argument("name", metavar="NAME", help="the source's name in the configuration")
    add_config(check)


def _fetch(arguments: argparse.Namespace) -> None:
    from mosforge.files import write_json
    from mosforge.sources.fetch import fetch

    write_json(arguments.output, fetch(arguments.name, arguments.cfg))


def _catalogue(arguments: argparse.Namespace) -> None:
    from mosforge.sources.catalogue import build_catalogue, photographs_in
    from mosforge.tables import read_table, write_table

    cfg = arguments.cfg
    if arguments.dataset is not None:
        dataset = read_table(arguments.dataset, "dataset")
        photographs = list(zip(dataset["image"], dataset["path"], strict=True))
    else:
        photographs = photographs_in(arguments.name, cfg["folder"], cfg.get("images"), cfg.get("obtain"))
    catalogue, excluded = build_catalogue(
        arguments.name, photographs, cfg["shard_size"], cfg["smallest_side"], arguments.threads
    )
    write_table(arguments.excluded, "excluded", excluded, stage="sources", cfg=cfg)
    write_table(arguments.output, "catalogue", catalogue, stage="sources", cfg=cfg)


def _check(arguments: argparse.Namespace) -> int:
    from mosforge.configuration import load_config
    from mosforge.sources.check import check

    rows, complete = check(arguments.name, load_config(arguments.config))
    sys.stdout.write(format_rows(rows, ("item", "state", "detail"), "table"))
    return 0 if complete else 1
