"""`mosforge metrics REFERENCE DISTORTED`: the six scores of one image, and their oriented mean."""

import argparse
from pathlib import Path
from typing import Any

from mosforge import options
from mosforge.core.rows import write_rows
from mosforge.jobs import RULES

_VERBS = frozenset({*RULES["metrics"], "pair", "-h", "--help"})


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verb `pair`."""
    about = "score one image against its reference image; the verb may be left out"
    parser = options.add_verb(verbs, "pair", _pair, about)
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="the reference image")
    parser.add_argument("distorted", type=Path, metavar="DISTORTED", help="an image of the same size")
    parser.add_argument("--engine", default="fused", help="fused (the default) or piq")
    parser.add_argument(
        "--scale", default="auto", help="viewing scale: 1 to 8, or auto (the default), as piq"
    )
    options.add_format(parser)


def with_verb(words: list[str]) -> list[str]:
    """The command line with the verb that `mosforge metrics REFERENCE DISTORTED` leaves out, `pair`."""
    if len(words) > 1 and words[0] == "metrics" and words[1] not in _VERBS:
        return [words[0], "pair", *words[1:]]
    return words


def _pair(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.metrics import METRICS, orient
    from mosforge.metrics.engines import make_engine
    from mosforge.metrics.pairs import score_pairs

    scale = int(arguments.scale) if arguments.scale.isdecimal() else arguments.scale
    engine = make_engine(arguments.engine, "cpu", scale)
    scores = score_pairs([str(arguments.reference)], [str(arguments.distorted)], engine, threads=1)
    row = dict(zip(METRICS, scores[0].tolist(), strict=True))
    row["mean"] = float(orient(scores).mean())
    write_rows([row], (*METRICS, "mean"), arguments.format, arguments.output)
