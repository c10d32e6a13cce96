"""The commands of the stage `finetuning` for people."""

import argparse
import logging
import sys
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.rows import write_rows
from mosforge.finetuning.registry import missing
from mosforge.finetuning.settings import DatasetSettings
from mosforge.options import add_config, add_directory, add_verb, load_config

log = logging.getLogger(__name__)


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verb `check`."""
    check = add_verb(
        verbs,
        "check",
        _check,
        "read a target dataset, and say what it holds, what is wrong with it, or what is missing",
    )
    check.add_argument("dataset", help="name in finetuning.datasets")
    add_config(check)
    add_directory(check)


def _check(arguments: argparse.Namespace) -> int:
    from mosforge.config.files import entry_of
    from mosforge.finetuning.dataset import load
    from mosforge.finetuning.inspection import inspect

    name, config = arguments.dataset, load_config(arguments)
    entry = entry_of(config.finetuning.datasets, "finetuning.datasets", name)
    if entry.layout == "proxy":
        print(f"{name}: the workflow makes this dataset itself; its scores are not human ones")
        return 0
    cfg = DatasetSettings(**entry.plain(without=("corpus", "splits")))
    if problem := missing(cfg):
        raise MosforgeError(f"{name}: {problem}")
    names = [str(split) for split in entry.splits or config.finetuning.splits.seeds]
    section, guard = config.finetuning.splits, config.sources.leakage
    correlation = guard.correlation if guard.guard else None
    found, problems = inspect(
        name, load(name, cfg), cfg, names, section.train, section.validation, correlation
    )
    rows = [{"item": key, "found": value} for key, value in found.items()]
    write_rows(rows, ("item", "found"), "table")
    if not problems:
        return 0
    sys.stdout.flush()  # the rows stand before what is wrong
    if len(problems) > 1:
        log.error("\n".join(problems))
        raise MosforgeError(f"{name}: {len(problems)} problems would stop a run; they are listed above")
    raise MosforgeError(problems[0])
