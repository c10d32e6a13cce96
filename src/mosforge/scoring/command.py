"""`mosforge score`: the scores of pictures on the command line."""

import argparse
import glob
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mosforge.commands import add_format, add_verb, write_rows
from mosforge.errors import MosforgeError, UnreadableImageError
from mosforge.images import find_images

log = logging.getLogger(__name__)

_COLUMNS = ("path", "quality", "score", "spread", "distortions", "error")


def add_commands(commands: Any) -> None:
    """Adds `score`."""
    parser = add_verb(commands, "score", _score, "score pictures with a trained model")
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="picture, folder (searched at any depth), glob, or - for a list",
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="folder of a trained model")
    parser.add_argument(
        "--crops", type=int, metavar="N", help="random crops a picture (default: the model's)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_format(parser)


def _score(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from mosforge.scoring.scorer import Scorer

    scorer = Scorer(arguments.model, crops=arguments.crops, device=arguments.device)
    paths = list(_expand(arguments.paths))
    if not paths:
        raise MosforgeError("there is no picture in what was named")
    rows: list[dict[str, Any]] = []
    for path in tqdm(paths, disable=None, unit="picture"):
        try:
            score = asdict(scorer.score(path))
            rows.append({"path": path, **{key: value for key, value in score.items() if value is not None}})
        except UnreadableImageError as error:
            rows.append({"path": path, "error": error.reason})
    used = {name for row in rows for name in row}
    write_rows(rows, [name for name in _COLUMNS if name in used], arguments)
    bad = sum("error" in row for row in rows)
    if bad:
        log.error("%d of %d files could not be scored", bad, len(rows))
    return 1 if bad else 0


def _expand(words: list[str]) -> Iterator[str]:
    for word in words:
        if word == "-":
            yield from (line for line in sys.stdin.read().splitlines() if line)
        elif Path(word).is_dir():
            yield from (f"{word.rstrip('/')}/{name}" for name in find_images(word))
        elif not Path(word).exists() and (found := sorted(glob.glob(word, recursive=True))):  # noqa: PTH207
            yield from _expand(found)
        else:
            yield word
