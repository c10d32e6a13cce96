"""What the commands for people share: options, their values, and the verb `verify`."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mosforge.core.errors import MosforgeError
from mosforge.core.rows import FORMATS

if TYPE_CHECKING:
    from mosforge.config.configuration import Configuration

Run = Callable[[argparse.Namespace], int | None]


def add_verb(verbs: Any, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """Adds a verb, or a command of its own, with the options that all have.

    Args:
        verbs: the subparsers of a stage, or of the whole command line.
        name: the word on the command line.
        run: called with the parsed arguments; returns the exit status (None: 0).
        about: one sentence for `--help`.
    """
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    parser.add_argument("--log", type=Path, metavar="FILE", help="also write the progress lines to FILE")
    return parser


def add_format(parser: argparse.ArgumentParser) -> None:
    """Adds `--format table|json|csv` and `--output FILE`."""
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write to FILE instead of standard output"
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds `--config FILE`, for the commands that people call; see `config.files.load_config`."""
    about = "configuration with what differs from config.yaml; may be repeated"
    parser.add_argument("--config", type=Path, action="append", default=[], metavar="FILE", help=about)


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Adds `--directory DIR`, for the commands that look at what a run's configuration names."""
    about = "folder of the run, as Snakemake's option (default: the working directory)"
    parser.add_argument("--directory", type=Path, default=Path(), metavar="DIR", help=about)


def load_config(arguments: argparse.Namespace) -> "Configuration":
    """The configuration that `--directory` and `--config` name; the directory becomes the working directory.

    Raises:
        MosforgeError: there is no such folder; or see `config.files.load_config`.
    """
    from mosforge.config import files

    overlays = [path.absolute() for path in arguments.config]
    if not arguments.directory.is_dir():
        raise MosforgeError(f"{arguments.directory}: no such folder; correct the name after --directory")
    os.chdir(arguments.directory)
    return files.load_config(overlays)


def add_verify(verbs: Any) -> None:
    """Adds the verb `verify`, for packs of any stage."""
    verify = add_verb(verbs, "verify", _verify, "compare all pixels of a pack with their digests")
    verify.add_argument("pack", type=Path, metavar="FILE", help="index of the pack, Parquet")
    verify.add_argument("--threads", type=count, default=1, metavar="N", help="default: 1")


def _verify(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from mosforge.core.packs import problems
    from mosforge.core.schemas.packs import PACK
    from mosforge.core.tables import read_table

    index = read_table(arguments.pack, PACK)
    files, bad = index["file"].nunique(), 0
    for problem in tqdm(problems(index, arguments.threads), total=files, unit="file", disable=None):
        if problem is not None:
            bad += 1
            print(problem)
    print(f"{files - bad} of {files} files hold the pixels that were packed ({len(index)} images)")
    return 1 if bad else 0


def count(text: str) -> int:
    """An argument that is a whole number from 1."""
    return _whole(text, 1)


def number(text: str) -> int:
    """An argument that is a whole number from 0."""
    return _whole(text, 0)


def _whole(text: str, lowest: int) -> int:
    if not text.isdecimal() or int(text) < lowest:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest}")
    return int(text)
