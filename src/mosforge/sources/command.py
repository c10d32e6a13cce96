"""`mosforge sources`: fetch, catalogue and check photographs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from mosforge.core.rows import format_rows
from mosforge.options import add_config, add_threads, add_verb


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verbs of this stage."""

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
    add_threads(catalogue, "files read at once")
    catalogue.add_argument(
        "--dataset",
        type=Path,
        metavar="PARQUET",
        help="take the pictures of this target dataset, not a folder's",
    )

    screen = add_verb(
        verbs, "screen", _screen, "find the photographs that show a picture of a target dataset", cfg=True
    )
    screen.add_argument("--catalogue", type=Path, required=True, metavar="PARQUET", help="the photographs")
    screen.add_argument("--dataset", type=Path, required=True, metavar="PARQUET", help="the target dataset")
    screen.add_argument("--name", required=True, help="the dataset's name in the configuration")
    screen.add_argument("--output", type=Path, required=True, metavar="PARQUET", help="photographs found")
    add_threads(screen, "files read at once")

    leaks = add_verb(verbs, "leaks", _leaks, "join what was found of a source in several target datasets")
    leaks.add_argument("tables", type=Path, nargs="+", metavar="PARQUET", help="what `screen` wrote")
    leaks.add_argument("--output", type=Path, required=True, metavar="PARQUET")

    check = add_verb(verbs, "check", _check, "say what of a source is there and where to get the rest")
    check.add_argument("name", metavar="NAME", help="the source's name in the configuration")
    add_config(check)


def _fetch(arguments: argparse.Namespace) -> None:
    from mosforge.core.files import write_json
    from mosforge.sources.fetch import fetch

    write_json(arguments.output, fetch(arguments.name, arguments.cfg))


def _catalogue(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.datasets import DATASET
    from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
    from mosforge.core.tables import read_table, write_table
    from mosforge.sources.catalogue import build_catalogue, photographs_in

    cfg = arguments.cfg
    if arguments.dataset is not None:
        dataset = read_table(arguments.dataset, DATASET)
        photographs = list(zip(dataset["image"], dataset["path"], strict=True))
    else:
        photographs = photographs_in(arguments.name, cfg["folder"], cfg.get("images"))
    catalogue, excluded = build_catalogue(
        arguments.name, photographs, cfg["shard_size"], cfg["smallest_side"], arguments.threads
    )
    write_table(arguments.excluded, EXCLUDED, excluded, stage="sources", cfg=cfg)
    write_table(arguments.output, CATALOGUE, catalogue, stage="sources", cfg=cfg)


def _screen(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.datasets import DATASET
    from mosforge.core.schemas.leaks import LEAKS
    from mosforge.core.schemas.sources import CATALOGUE
    from mosforge.core.tables import read_table, write_table
    from mosforge.sources.screening import pictures_of, screen

    catalogue = read_table(arguments.catalogue, CATALOGUE)
    photographs = list(zip(catalogue["image_id"], catalogue["path"], strict=True))
    pictures = pictures_of(read_table(arguments.dataset, DATASET))
    found = screen(photographs, pictures, arguments.cfg["correlation"], arguments.threads)
    leaks = found.assign(source=catalogue["source"].iloc[0], dataset=arguments.name)
    write_table(arguments.output, LEAKS, leaks, stage="sources", cfg=arguments.cfg)


def _leaks(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.core.schemas.leaks import LEAKS
    from mosforge.core.tables import read_table, write_table

    tables = [read_table(table, LEAKS) for table in arguments.tables]
    leaks = pd.concat(tables, ignore_index=True).sort_values(["image_id", "dataset"], ignore_index=True)
    # without the names of the tables: a dataset that shows none of the photographs changes no byte
    write_table(arguments.output, LEAKS, leaks, stage="sources", cfg={})


def _check(arguments: argparse.Namespace) -> int:
    from mosforge.configuration import load_config
    from mosforge.sources.check import check

    rows, complete = check(arguments.name, load_config(arguments.config))
    sys.stdout.write(format_rows(rows, ("item", "state", "detail"), "table"))
    return 0 if complete else 1
