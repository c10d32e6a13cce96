"""`mosforge init`, for people."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from mosforge.options import add_verb

CHANGES_NO_RESULT = "a command for people"


def add_commands(commands: Any) -> None:
    """Adds the command `init`."""
    about = "write a small configuration for your own images and ratings, into a folder of its own"
    init = add_verb(commands, "init", _init, about)
    init.add_argument("--photos", type=Path, required=True, metavar="DIR", help="good images, at any depth")
    init.add_argument(
        "--ratings", type=Path, required=True, metavar="CSV", help="a table with the columns image and mos"
    )
    init.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of the rated images (default: that of the CSV)"
    )
    init.add_argument(
        "--range",
        type=float,
        nargs=2,
        metavar=("LOWEST", "HIGHEST"),
        help="possible scores (default: the narrowest usual scale that holds all)",
    )
    init.add_argument("--lower-is-better", action="store_true", help="the scores are DMOS")
    init.add_argument(
        "--directory", type=Path, default=Path("runs/mine"), metavar="DIR", help="default: runs/mine"
    )


def _init(arguments: argparse.Namespace) -> None:
    from mosforge.plan.new_run import read_ratings, write_run

    scale = tuple(arguments.range) if arguments.range else None
    ratings = read_ratings(arguments.ratings, arguments.images, scale, not arguments.lower_is_better)
    file = write_run(arguments.directory, arguments.photos, ratings)
    better = "higher is better" if ratings.higher_is_better else "lower is better"
    guessed = "" if scale else "; if that is wrong, correct the key range in the file"
    lowest, highest = ratings.scale
    print(f"{file}: written for {ratings.count:,} ratings from {lowest:g} to {highest:g}, {better}{guessed}")
    print("Check the images and the ratings, let Snakemake plan and estimate the run, then start it:")
    folder = shlex.quote(str(arguments.directory))
    snakemake = f"snakemake{_snakefile()} --directory {folder}"
    for line in (
        f"mosforge sources check photos --directory {folder}",
        f"mosforge finetuning check ratings --directory {folder}",
        f"{snakemake} -n -- mine",
        f"{snakemake} -- mine report",
    ):
        print(f"  {line}")


def _snakefile() -> str:
    """The option that names the workflow, where the working directory has none."""
    import mosforge

    own = Path(mosforge.__file__).parents[2] / "Snakefile"
    return f" --snakefile {shlex.quote(str(own))}" if not Path("Snakefile").exists() and own.exists() else ""
