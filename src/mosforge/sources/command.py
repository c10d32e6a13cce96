"""The command `mosforge sources check`, for people."""

import argparse
from typing import Any

from mosforge.core.rows import write_rows
from mosforge.options import add_config, add_directory, add_verb, load_config


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verb `check`."""
    about = "say which images of a source are there, which are missing, and where to get them"
    verb = add_verb(verbs, "check", _check, about)
    verb.add_argument("name", metavar="NAME", help="the source's name in the configuration")
    add_config(verb)
    add_directory(verb)


def _check(arguments: argparse.Namespace) -> int:
    from mosforge.sources.check import check

    rows, complete = check(arguments.name, load_config(arguments))
    write_rows(rows, ("item", "state", "detail"), "table")
    return 0 if complete else 1
