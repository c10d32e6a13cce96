"""`mosforge metrics REFERENCE DISTORTED`: the six scores of one image or of many, and their oriented mean."""

import argparse
import logging
from pathlib import Path
from typing import Any

from mosforge import options
from mosforge.core.csv_files import read_csv
from mosforge.core.errors import MosforgeError
from mosforge.core.rows import write_rows
from mosforge.jobs import RULES

log = logging.getLogger(__name__)

_PAIR = ("reference", "distorted")

_VERBS = frozenset({*RULES["metrics"], "pair", "-h", "--help"})


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verb `pair`."""
    about = "score images against their reference images; the verb may be left out"
    parser = options.add_verb(verbs, "pair", _pair, about)
    parser.add_argument("reference", type=Path, nargs="?", metavar="REFERENCE", help="the reference image")
    parser.add_argument(
        "distorted", type=Path, nargs="?", metavar="DISTORTED", help="an image of the same size"
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="CSV",
        help="instead of two images: a table with the columns reference and distorted, paths from its folder",
    )
    parser.add_argument("--engine", default="fused", help="fused (the default) or piq")
    parser.add_argument(
        "--scale", default="auto", help="viewing scale: 1 to 8, or auto (the default), which is piq's"
    )
    options.add_format(parser)


def with_verb(words: list[str]) -> list[str]:
    """The command line with the verb that `mosforge metrics REFERENCE DISTORTED` leaves out, `pair`."""
    if len(words) > 1 and words[0] == "metrics" and words[1] not in _VERBS:
        return [words[0], "pair", *words[1:]]
    return words


def _pair(arguments: argparse.Namespace) -> None:
    from mosforge.core.parallel import available_threads
    from mosforge.core.schemas.metrics import DISTANCES, METRICS, orient
    from mosforge.metrics.engines import make_engine
    from mosforge.metrics.pairs import score_pairs

    pairs = _pairs(arguments)
    references, distorted = ([str(pair[place]) for pair in pairs] for place in (0, 1))
    scale = int(arguments.scale) if arguments.scale.isdecimal() else arguments.scale
    engine = make_engine(arguments.engine, "cpu", scale)
    scores = score_pairs(references, distorted, engine, threads=min(len(pairs), available_threads()))
    names, columns = zip(references, distorted, strict=True), (*METRICS, "mean")
    rows = [
        dict(zip((*_PAIR, *columns), (*pair, *values, mean), strict=True))
        for pair, values, mean in zip(names, scores.tolist(), orient(scores).mean(1).tolist(), strict=True)
    ]
    shown = columns if arguments.pairs is None else (*_PAIR, *columns)
    write_rows(rows, shown, arguments.format, arguments.output)
    higher = ", ".join(name for name in columns if name not in DISTANCES)
    log.info(
        "higher is better: %s; lower is better: %s (the mean takes 1 minus these)",
        higher,
        ", ".join(DISTANCES),
    )


def _pairs(arguments: argparse.Namespace) -> list[tuple[Path, Path]]:
    """The pairs of the command line: one, or those of a table."""
    if arguments.pairs is None:
        if arguments.reference is None or arguments.distorted is None:
            raise MosforgeError("name a REFERENCE and a DISTORTED image, or a table of pairs with --pairs")
        return [(arguments.reference, arguments.distorted)]
    if arguments.reference is not None:
        raise MosforgeError(f"{arguments.reference}: give images, or a table with --pairs, but not both")
    return _read_pairs(arguments.pairs)


def _read_pairs(file: Path) -> list[tuple[Path, Path]]:
    """The rows of a table of pairs; relative paths start from its folder."""
    rows = read_csv(file, _PAIR)
    if not rows:
        raise MosforgeError(f"{file}: there is no pair in it")
    for number, row in enumerate(rows, start=1):
        for name in _PAIR:
            if not row[name]:
                raise MosforgeError(f"{file}: pair {number} lacks its {name} image; complete it")
    return [(file.parent / row["reference"], file.parent / row["distorted"]) for row in rows]
