"""`mosforge score` and `mosforge export`: what is done with a trained model."""

import argparse
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.options import add_format, add_verb, count, write_rows

if TYPE_CHECKING:
    from mosforge.scoring.scorer import Score, Scorer

log = logging.getLogger(__name__)

_COLUMNS = ("path", "quality", "score", "spread", "distortions", "error")


def add_commands(commands: Any) -> None:
    """Adds `score` and `export`."""
    score = add_verb(commands, "score", _score, "score pictures with a trained model")
    score.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="picture, folder (searched at any depth), glob, or - for a list of files on standard input",
    )
    _add_model(score)
    score.add_argument(
        "--crops",
        type=int,
        metavar="N",
        help="random crops a picture (default: the model's); 0: the whole picture in one pass, "
        "quicker, with other scores",
    )
    score.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    score.add_argument("--threads", type=count, metavar="N", help="default: one a processor core")
    score.add_argument(
        "--explain",
        type=Path,
        metavar="HTML",
        help="write a page about one picture: its score on a scale, and a map of its crops' scores",
    )
    score.add_argument(
        "--examples",
        type=Path,
        metavar="PARQUET",
        help="with --explain: results/finetuning/DATASET/dataset.parquet, for rated pictures beside it",
    )
    add_format(score)

    export = add_verb(commands, "export", _export, "write a trained model for use elsewhere")
    _add_model(export)
    export.add_argument(
        "--format",
        choices=("onnx", "folder"),
        required=True,
        help="onnx: one file for onnxruntime; folder: a copy of the model with its correlations in the card",
    )
    export.add_argument(
        "--correlations",
        type=Path,
        nargs="+",
        default=[],
        metavar="PARQUET",
        help="results/evaluation/EXPERIMENT.parquet, whose rows about this model go into its card",
    )
    export.add_argument(
        "--output", type=Path, metavar="PATH", help="file or folder (onnx: model.onnx in the model's folder)"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="folder of a trained model")


def _score(arguments: argparse.Namespace) -> int:
    from mosforge.core.files import check_file_name
    from mosforge.scoring.paths import expand
    from mosforge.scoring.scorer import Scorer

    if arguments.examples and not arguments.explain:
        raise MosforgeError("--examples: say with --explain HTML where the page goes")
    if arguments.output is not None:
        check_file_name(arguments.output)  # before the work, not after it
    scorer = Scorer(
        arguments.model, crops=arguments.crops, device=arguments.device, threads=arguments.threads
    )
    named = list(expand(arguments.paths))
    if not named:
        raise MosforgeError("there is no picture in what was named")
    if arguments.explain:
        return _explain(scorer, named, arguments)
    rows: list[dict[str, Any]] = []
    # JSON lines need not wait for each other, and need no bar where they appear themselves.
    at_once = arguments.format == "json" and arguments.output is None
    bad = 0
    for row in _rows(scorer, named, quiet=at_once and sys.stdout.isatty()):
        bad += "error" in row
        if at_once:
            write_rows([row], _COLUMNS, arguments)
            sys.stdout.flush()
        else:
            rows.append(row)
    if not at_once:
        used = {name for row in rows for name in row}
        write_rows(rows, [name for name in _COLUMNS if name in used], arguments)
    if bad:
        log.error("%d of %d files could not be scored", bad, len(named))
    return 1 if bad else 0


def _rows(scorer: "Scorer", named: list[str | UnreadableImageError], quiet: bool) -> Iterator[dict[str, Any]]:
    """A row for each path, in order."""
    from tqdm import tqdm

    scores = scorer.score_many(path for path in named if isinstance(path, str))
    for path in tqdm(named, disable=quiet or None, unit="picture"):
        result = next(scores) if isinstance(path, str) else path
        if isinstance(result, UnreadableImageError):
            yield {"path": path if isinstance(path, str) else str(result.path), "error": result.reason}
        else:
            yield {"path": path, **_values(result)}


def _values(score: "Score") -> dict[str, Any]:
    return {key: value for key, value in asdict(score).items() if value is not None}


def _explain(scorer: "Scorer", named: list[str | UnreadableImageError], arguments: argparse.Namespace) -> int:
    from mosforge.core.files import atomic_file
    from mosforge.scoring.examples import examples_of
    from mosforge.scoring.explain import page

    if len(named) != 1:
        raise MosforgeError(f"--explain: a page is about one picture, and {len(named)} were named")
    if isinstance(named[0], UnreadableImageError):
        raise named[0]
    scored = scorer.crop_scores(named[0])
    examples = examples_of(arguments.examples, scorer.card) if arguments.examples else []
    text = page(named[0], scored, scorer.card, examples)
    with atomic_file(arguments.explain) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    row = {"path": named[0], **_values(scored.score)}
    write_rows([row], [name for name in _COLUMNS if name in row], arguments)
    return 0


def _export(arguments: argparse.Namespace) -> None:
    from mosforge.models.folder import copy_model, load_card
    from mosforge.scoring.measured import card_with
    from mosforge.scoring.onnx_file import export_onnx

    card = card_with(load_card(arguments.model), arguments.correlations)
    if arguments.format == "folder":
        if arguments.output is None:
            raise MosforgeError("--output: name the folder that the copy of the model goes into")
        copy_model(arguments.model, arguments.output, card)
        log.info("%s: model.safetensors, card.json, card.md", arguments.output)
        return
    for name in ("onnxscript", "onnx_ir"):  # they tell of each node that they simplify
        logging.getLogger(name).setLevel(logging.WARNING)
    output = arguments.output or arguments.model / "model.onnx"
    difference = export_onnx(arguments.model, output, card)
    log.info(
        "%s: %.1f MB; differs from torch by %.1e at most", output, output.stat().st_size / 1e6, difference
    )
