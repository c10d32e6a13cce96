"""`mosforge score` and `mosforge export`: the commands that use a trained model."""

import argparse
import glob
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.rows import write_rows
from mosforge.options import add_format, add_verb, count

if TYPE_CHECKING:
    from mosforge.scoring.scorer import Score, Scorer

log = logging.getLogger(__name__)

Named = str | UnreadableImageError
"""A path, or a folder that cannot be listed."""

_COLUMNS = ("path", "quality", "score", "spread", "raw", "distortions", "error")

_FAR = 0.1
"""A raw score this far outside [0, 1] is shown, and warned of: a model that was trained well stays nearer."""


def add_commands(commands: Any) -> None:
    """Adds `score` and `export`."""
    score = add_verb(commands, "score", _score, "score images with a trained model")
    score.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="image, folder (searched at any depth), glob, or - for a list of files on standard input",
    )
    _add_model(score)
    score.add_argument(
        "--crops",
        type=int,
        metavar="N",
        help="N random crops of each image at its own size (default: the crops in the model's card, five "
        "around the centre and the largest square, shrunk); 0: the whole image at its own size in one pass. "
        "Both give other scores than the default",
    )
    score.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    score.add_argument("--threads", type=count, metavar="N", help="default: one for each processor core")
    score.add_argument(
        "--explain",
        type=Path,
        metavar="HTML",
        help="write a page about one image: its score on a scale, and a map of the scores of its crops",
    )
    score.add_argument(
        "--examples",
        type=Path,
        metavar="PARQUET",
        help="with --explain: results/finetuning/DATASET/dataset.parquet, whose rated images the page shows",
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
        "--half",
        action="store_true",
        help="with --format folder: weights in half precision (float16), which take half the bytes; the "
        "network still computes in float32",
    )
    export.add_argument(
        "--notes",
        type=Path,
        metavar="FILE",
        help="a Markdown file of yours for the card, such as how the model was tested and what it cannot do",
    )
    export.add_argument(
        "--correlations",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="PARQUET",
        help="results/evaluation/EXPERIMENT.parquet, whose rows about this model go into its card",
    )
    export.add_argument(
        "--output", type=Path, metavar="PATH", help="file or folder (onnx: model.onnx in the model's folder)"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="folder of a trained model (default: the built-in one)"
    )


def _score(arguments: argparse.Namespace) -> int:
    from mosforge.core.folders import SUFFIXES
    from mosforge.scoring.scorer import Scorer

    if arguments.examples and not arguments.explain:
        raise MosforgeError("--examples: name the file of the page with --explain HTML")
    _check_written(arguments)  # before the work, not after it
    scorer = Scorer(
        arguments.model, crops=arguments.crops, device=arguments.device, threads=arguments.threads
    )
    named = list(expand(arguments.paths))
    if not named:
        words = ", ".join("the list on standard input" if word == "-" else word for word in arguments.paths)
        raise MosforgeError(f"{words}: no image is there ({' '.join(sorted(SUFFIXES))})")
    if arguments.explain:
        return _explain(scorer, named, arguments)
    rows: list[dict[str, Any]] = []
    # JSON lines need not wait for each other, and need no bar where they appear themselves.
    at_once = arguments.format == "json" and arguments.output is None
    bad = far = 0
    for row in _rows(scorer, named, quiet=at_once and bool(sys.stdout and sys.stdout.isatty())):
        bad += "error" in row
        far += "raw" in row
        if at_once:
            write_rows([row], _COLUMNS, arguments.format, arguments.output)
            sys.stdout.flush()
        else:
            rows.append(row)
    if not at_once:
        used = {name for row in rows for name in row}
        write_rows(rows, [name for name in _COLUMNS if name in used], arguments.format, arguments.output)
    _warn_if_far(far, len(named))
    if bad:
        log.error("%d of %d files could not be scored", bad, len(named))
    return 1 if bad else 0


def _check_written(arguments: argparse.Namespace) -> None:
    """Refuses names of files to write that would replace a folder, an image, or each other."""
    from mosforge.core.atomic import check_file_name
    from mosforge.core.folders import SUFFIXES

    given = {"--explain": arguments.explain, "--output": arguments.output}
    named = {option: path for option, path in given.items() if path is not None}
    for option, path in named.items():
        check_file_name(path)
        if path.suffix.lower() in SUFFIXES:  # `--explain a.png b.png` would replace a.png
            raise MosforgeError(f"{option} {path}: name the file to write, which is no image")
    if len({path.resolve() for path in named.values()}) < len(named):
        raise MosforgeError(f"--explain and --output: {arguments.output} cannot be both; name two files")


def expand(words: list[str]) -> Iterator[Named]:
    """The image files that words name, in their order.

    Args:
        words: a file stands for itself, with any suffix; a folder for the image files in it
            (`folders.SUFFIXES`, at any depth, without hidden ones). Any other word is a glob, or a file that
            is not there. `-` is a list on standard input: a path in each line, or paths that end with NUL
            bytes, as `find -print0` writes them.
    """
    for word in words:
        if word == "-":
            if sys.stdin is None:
                raise MosforgeError("-: there is no standard input to read the list of files from")
            yield from _listed(sys.stdin.buffer.read())
            continue
        found = [] if os.path.lexists(word) else sorted(glob.glob(word, recursive=True))  # noqa: PTH207
        for path in found or [word]:
            # not Path.is_dir: it takes an empty word for the current folder, and raises for a name too long
            if os.path.isdir(path):  # noqa: PTH112
                yield from _found(path.rstrip("/") or "/")
            else:
                yield path


def _listed(text: bytes) -> Iterator[str]:
    separator = b"\0" if b"\0" in text else b"\n"
    for line in text.split(separator):
        path = line.removesuffix(b"\r") if separator == b"\n" else line
        if path:
            yield os.fsdecode(path)


def _found(folder: str) -> Iterator[Named]:
    from mosforge.core.folders import find_images

    problems: list[UnreadableImageError] = []

    def unreadable(below: str, error: OSError) -> None:
        path = f"{folder}/{below}".rstrip("/")
        problems.append(UnreadableImageError(path, f"the folder cannot be read ({error.strerror})"))

    yield from (os.path.join(folder, name) for name in find_images(folder, unreadable))  # noqa: PTH118
    yield from problems


def _rows(scorer: "Scorer", named: list[Named], quiet: bool) -> Iterator[dict[str, Any]]:
    """A row for each path, in order."""
    from tqdm import tqdm

    scores = scorer.score_many(path for path in named if isinstance(path, str))
    for path in tqdm(named, disable=quiet or None, unit="image"):
        result = next(scores) if isinstance(path, str) else path
        if isinstance(result, UnreadableImageError):
            yield {"path": path if isinstance(path, str) else str(result.path), "error": result.reason}
        else:
            yield {"path": path, **_values(result)}


def _values(score: "Score") -> dict[str, Any]:
    values = {key: value for key, value in asdict(score).items() if value is not None}
    if abs(score.raw - score.quality) <= _FAR:
        del values["raw"]
    return values


def _warn_if_far(far: int, images: int) -> None:
    if far:
        log.warning(
            "warning: the raw scores of %d of %d images lie more than %g outside 0 to 1, and are cut off: "
            "these images are unlike those that the model learned from, or it is not trained well",
            far,
            images,
            _FAR,
        )


def _explain(scorer: "Scorer", named: list[Named], arguments: argparse.Namespace) -> int:
    from mosforge.core.atomic import atomic_file
    from mosforge.scoring.explain import load_examples, page

    if len(named) != 1:
        raise MosforgeError(f"--explain: a page is about one image, and {len(named)} were named")
    if isinstance(named[0], UnreadableImageError):
        raise named[0]
    scored = scorer.crop_scores(named[0])
    examples = load_examples(arguments.examples, scorer.card) if arguments.examples else []
    text = page(named[0], scored, scorer.card, examples)
    with atomic_file(arguments.explain) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    row = {"path": named[0], **_values(scored.score)}
    _warn_if_far("raw" in row, 1)
    write_rows([row], [name for name in _COLUMNS if name in row], arguments.format, arguments.output)
    return 0


def _export(arguments: argparse.Namespace) -> None:
    from mosforge.models.folder import load_card
    from mosforge.scoring.built_in import built_in
    from mosforge.scoring.export import add_correlations, add_notes, export_folder, export_onnx

    is_folder = arguments.format == "folder"
    if arguments.output is None and (is_folder or arguments.model is None):
        what = "folder that the copy of the model goes into" if is_folder else "file of the graph"
        raise MosforgeError(f"--output: name the {what}")
    if arguments.half and not is_folder:
        raise MosforgeError("--half: a graph has single precision; leave it out, or take --format folder")
    folder = arguments.model or built_in()
    card = add_notes(add_correlations(load_card(folder), arguments.correlations), arguments.notes)
    if is_folder:
        far = export_folder(folder, arguments.output, card, half=arguments.half)
        rounded = f"; half precision changes a score by at most {far:.1e}" if arguments.half else ""
        log.info("%s: model.safetensors, card.json, card.md%s", arguments.output, rounded)
        return
    for name in ("onnxscript", "onnx_ir"):  # they log each node that they simplify
        logging.getLogger(name).setLevel(logging.WARNING)
    output = arguments.output or folder / "model.onnx"
    difference = export_onnx(folder, output, card)
    log.info(
        "%s: %.1f MB; differs from torch by at most %.1e", output, output.stat().st_size / 1e6, difference
    )
