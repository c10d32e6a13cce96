"""`mosforge report summary`: the correlations in the terminal."""

import argparse
import sys
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
    from mosforge.report.summary import MODEL
    from mosforge.report.words import methods, proxy_note

    frames = [read_table(path, CORRELATIONS) for path in arguments.correlations]
    measured = pd.concat(frames, ignore_index=True)
    run = [*MODEL, "split", "seed"]
    twins = measured.drop_duplicates([*run, *MEASURES])
    twins = twins[twins.duplicated(run)]
    if len(twins):
        of_row = [
            file for file, frame in zip(arguments.correlations, frames, strict=True) for _ in frame.index
        ]
        name, split = twins[["initialisation", "split"]].iloc[0]
        raise MosforgeError(
            f"{of_row[twins.index[0]]}: other numbers of {name}, split {split}, than in a file before; print "
            "the files of each run by themselves"
        )
    summary = summarise_by_budget(measured)
    summary.insert(3, "method", methods(summary))
    summary.insert(4, "ratings", summary.pop("ratings"))
    columns = ["dataset", "test_dataset", "backbone", "method", "ratings", "splits", "images", *MEASURES]
    if (summary["splits"] > 1).any():
        columns[8:8] = ["srocc_q25", "srocc_q75"]
    if arguments.format != "table":
        columns = list(summary.columns)
    else:
        if (summary["dataset"] == summary["test_dataset"]).all():
            columns.remove("test_dataset")
        if summary["ratings"].isin([ALL]).all():
            columns.remove("ratings")
    rows = [{str(key): value for key, value in row.items()} for row in summary.to_dict("records")]
    write_rows(rows, columns, arguments.format, arguments.output)
    proxies = {*summary["dataset"], *summary["test_dataset"]} & set(arguments.proxy)
    if proxies:
        print(proxy_note(proxies), file=sys.stderr)
