"""`mosforge report summary`: the correlations in the terminal."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.rows import write_rows
from mosforge.options import add_format, add_verb


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds what people call to the verbs of the stage."""
    summary = add_verb(verbs, "summary", _summary, "print correlations: medians over splits")
    summary.add_argument("correlations", type=Path, nargs="+", metavar="PARQUET", help="correlations")
    summary.add_argument(
        "--proxy",
        action="append",
        default=[],
        metavar="DATASET",
        help="a dataset whose scores are not human scores; may be repeated",
    )
    add_format(summary)


def _summary(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES
    from mosforge.core.tables import read_table
    from mosforge.report.budgets import ALL, summarise_by_budget
    from mosforge.report.words import methods, proxy_note

    frames = [read_table(path, CORRELATIONS) for path in arguments.correlations]
    measured = pd.concat(frames, ignore_index=True)
    of_row = [file for file, frame in zip(arguments.correlations, frames, strict=True) for _ in frame.index]
    _refuse_twins(measured, of_row)
    summary = summarise_by_budget(measured)
    summary.insert(3, "method", methods(summary))
    summary.insert(4, "ratings", summary.pop("ratings"))
    columns = list(summary.columns)
    if arguments.format == "table":
        across = (summary["dataset"] != summary["test_dataset"]).any()
        first = ["dataset", *(["test_dataset"] if across else []), "backbone", "method"]
        counts = [*(["ratings"] if (summary["ratings"] != ALL).any() else []), "splits", "images"]
        quartiles = ["srocc_q25", "srocc_q75"] if (summary["splits"] > 1).any() else []
        columns = [*first, *counts, MEASURES[0], *quartiles, *MEASURES[1:]]
    rows = [{str(key): value for key, value in row.items()} for row in summary.to_dict("records")]
    write_rows(rows, columns, arguments.format, arguments.output)
    proxies = {*summary["dataset"], *summary["test_dataset"]} & set(arguments.proxy)
    if proxies:
        print(proxy_note(proxies), file=sys.stderr)


def _refuse_twins(measured: Any, of_row: Sequence[Path]) -> None:
    """Refuses two rows of one training, split and test with different numbers; `of_row` has their files."""
    from mosforge.core.schemas.correlations import MEASURES
    from mosforge.report.summary import MODEL

    run = [*MODEL, "split", "seed"]
    twins = measured.drop_duplicates([*run, *MEASURES])
    twins = twins[twins.duplicated(run)]
    if len(twins):
        name, split = twins[["initialisation", "split"]].iloc[0]
        raise MosforgeError(
            f"{of_row[twins.index[0]]}: other numbers of {name}, split {split}, than in a file before; print "
            "the files of each run by themselves"
        )
