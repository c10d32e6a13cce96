"""`mosforge report`: the page, the tables, and the correlations in the terminal."""

import argparse
import sys
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.rows import write_rows
from mosforge.options import add_format, add_verb


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the stage's verbs to the command line."""

    page = add_verb(verbs, "page", _page, "write the page from the artefacts that are there", cfg=True)
    page.add_argument("--results", type=Path, required=True, metavar="DIR", help="folder of the artefacts")
    page.add_argument("--output", type=Path, required=True, metavar="HTML", help="the page")
    page.add_argument("--figures", type=Path, metavar="DIR", help="its figures; default: figures beside it")

    table = add_verb(verbs, "table", _table, "write the table of one experiment", cfg=True)
    table.add_argument("--experiment", required=True, metavar="NAME", help="name of the experiment")
    table.add_argument("--correlations", type=Path, required=True, metavar="PARQUET", help="its correlations")
    table.add_argument("--output", type=Path, required=True, metavar="CSV", help="one line a number")
    table.add_argument("--markdown", type=Path, metavar="MD", help="also as a Markdown table")
    table.add_argument("--splits", type=Path, metavar="CSV", help="also the numbers of every split")
    table.add_argument("--gains", type=Path, metavar="CSV", help="also what one pretraining adds to another")
    table.add_argument(
        "--predictions",
        type=Path,
        nargs="*",
        default=[],
        metavar="PARQUET",
        help="predictions behind the correlations of single splits, whose gains have no interval without",
    )

    summary = add_verb(verbs, "summary", _summary, "print correlations: medians over splits")
    summary.add_argument("correlations", type=Path, nargs="+", metavar="PARQUET", help="correlations")
    summary.add_argument(
        "--proxy",
        action="append",
        default=[],
        metavar="DATASET",
        help="a dataset whose scores are no human ones; may be repeated",
    )
    add_format(summary)


def _page(arguments: argparse.Namespace) -> None:
    from mosforge.report.page import parse_cfg, write_page

    if not arguments.results.is_dir():
        raise MosforgeError(f"{arguments.results}: no such folder; run the stages before the report first")
    figures = arguments.figures or arguments.output.parent / "figures"
    write_page(arguments.results, arguments.output, figures, parse_cfg(arguments.cfg))


def _table(arguments: argparse.Namespace) -> None:
    from mosforge.core.atomic import atomic_file
    from mosforge.core.schemas.correlations import CORRELATIONS
    from mosforge.core.tables import read_table
    from mosforge.report.artefacts import predictions_in
    from mosforge.report.differences import paired_differences
    from mosforge.report.tables import build_table
    from mosforge.report.tabletext import gains_csv, splits_csv, table_csv, table_markdown

    keys = {"proxies", "left_out", "sizes", "protocol"}
    if not isinstance(arguments.cfg, dict) or set(arguments.cfg) - keys:
        raise MosforgeError(f"--cfg: give a JSON object with some of the keys {', '.join(sorted(keys))}")
    name, proxies = arguments.experiment, arguments.cfg.get("proxies", ())
    correlations = read_table(arguments.correlations, CORRELATIONS)
    table = build_table(name, correlations, **arguments.cfg)
    texts = {arguments.output: table_csv(table)}
    if arguments.markdown is not None:
        texts[arguments.markdown] = table_markdown(table)
    if arguments.splits is not None:
        texts[arguments.splits] = splits_csv(name, correlations, proxies)
    if arguments.gains is not None:
        gains = paired_differences(correlations, predictions_in(arguments.predictions))
        texts[arguments.gains] = gains_csv(name, gains, proxies)
    for path, text in texts.items():
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _summary(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES
    from mosforge.core.tables import read_table
    from mosforge.report.methods import method_names
    from mosforge.report.notes import proxy_note
    from mosforge.report.summary import summarise

    frames = [read_table(path, CORRELATIONS) for path in arguments.correlations]
    summary = summarise(pd.concat(frames, ignore_index=True))
    summary.insert(3, "method", summary["initialisation"].map(method_names(summary)))
    columns = ["dataset", "test_dataset", "backbone", "method", "splits", "images", *MEASURES]
    columns[7:7] = ["srocc_q25", "srocc_q75"]
    if arguments.format != "table":
        columns = list(summary.columns)
    elif (summary["dataset"] == summary["test_dataset"]).all():
        columns.remove("test_dataset")
    rows = [{str(key): value for key, value in row.items()} for row in summary.to_dict("records")]
    write_rows(rows, columns, arguments.format, arguments.output)
    proxies = {*summary["dataset"], *summary["test_dataset"]} & set(arguments.proxy)
    if proxies:
        print(proxy_note(proxies), file=sys.stderr)
