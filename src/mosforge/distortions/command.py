"""The commands `distort`, `gallery` and `classes`, for people."""

import argparse
import logging
from pathlib import Path
from typing import Any, get_args

from mosforge.core.errors import MosforgeError
from mosforge.core.rows import write_rows
from mosforge.core.values import CorpusKind, Level
from mosforge.options import add_config, add_format, add_verb, number

log = logging.getLogger(__name__)

_LOSSLESS = {".bmp", ".png", ".ppm", ".tif", ".tiff"}
_LOSSY = {".jpg": "JPEG", ".jpeg": "JPEG", ".jp2": "JPEG2000", ".webp": "WebP"}


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the three commands."""
    distort = add_verb(commands, "distort", _distort, "distort one image")
    distort.add_argument("image", type=Path, help="an image file")
    distort.add_argument("--type", required=True, metavar="NAME", help="see `mosforge classes`")
    distort.add_argument("--level", type=int, required=True, metavar="N", help="from 1, the weakest")
    distort.add_argument("--seed", type=number, default=0, metavar="S", help="as in a manifest (default: 0)")
    distort.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="image to write")
    _add_corpus(distort)

    gallery = add_verb(commands, "gallery", _gallery, "draw every class of distortion of one image")
    gallery.add_argument("image", type=Path, help="an image file")
    gallery.add_argument("--seed", type=number, default=0, metavar="S", help="of random draws (default: 0)")
    gallery.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="PNG file to write")
    _add_corpus(gallery)

    classes = add_verb(commands, "classes", _classes, "list the meaning of each class index")
    add_format(classes)
    _add_corpus(classes)


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    kinds = get_args(CorpusKind)
    parser.add_argument("--corpus", choices=kinds, default="synthetic", help="default: synthetic")
    add_config(parser)


def _levels(arguments: argparse.Namespace) -> Any:
    """The levels of each type of the corpus, as they are configured."""
    from mosforge.config.files import load_config

    return load_config(arguments.config).distortions.levels(arguments.corpus)


def _image(path: Path) -> Any:
    from mosforge.core.images import read_rgb
    from mosforge.distortions.render import check_size

    pixels = read_rgb(path)
    check_size(pixels, path)
    return pixels


def _distort(arguments: argparse.Namespace) -> None:
    import numpy as np

    from mosforge.core.atomic import atomic_file
    from mosforge.distortions.kinds import level_value, type_of

    output = arguments.output
    distortion = type_of(arguments.corpus, arguments.type)
    parameter = level_value(_levels(arguments), arguments.type, arguments.level)
    suffix = output.suffix.lower()
    if suffix not in _LOSSLESS | set(_LOSSY):
        raise MosforgeError(f"{output}: end the name in one of {', '.join(sorted(_LOSSLESS | set(_LOSSY)))}")
    pixels = _image(arguments.image)
    is_its_format = _LOSSY.get(suffix) == _LOSSY.get(distortion.suffix, "none")
    if distortion.encode is not None and is_its_format:
        file = distortion.encode(pixels, parameter)
    else:
        rng = np.random.Generator(np.random.PCG64(arguments.seed))
        file = _encoded(distortion.apply(pixels, parameter, rng), output)
    with atomic_file(output) as temporary:
        temporary.write_bytes(file)


def _encoded(pixels: Any, output: Path) -> bytes:
    from io import BytesIO

    from PIL import Image

    suffix = output.suffix.lower()
    if suffix in _LOSSY:
        log.warning("%s: %s adds a distortion of its own; .png keeps the pixels", output, _LOSSY[suffix])
    buffer = BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, Image.registered_extensions()[suffix])
    except (OSError, ValueError) as error:
        raise MosforgeError(f"{output}: the format cannot hold the image ({error}); use .png") from None
    return buffer.getvalue()


def _gallery(arguments: argparse.Namespace) -> None:
    from mosforge.core.atomic import atomic_file
    from mosforge.distortions.gallery import draw_gallery

    if arguments.output.suffix.lower() != ".png":
        raise MosforgeError(f"{arguments.output}: give a .png file")
    sheet = draw_gallery(_image(arguments.image), _levels(arguments), arguments.corpus, arguments.seed)
    with atomic_file(arguments.output) as temporary:
        sheet.save(temporary, "PNG")


def _classes(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from mosforge.distortions.kinds import classes_of

    rows = [asdict(row) for row in classes_of(arguments.corpus, _levels(arguments))]
    if arguments.format != "json":
        rows = [row | {"parameter": _written(row["parameter"])} for row in rows]
    write_rows(rows, ("index", "type", "level", "parameter"), arguments.format, arguments.output, array=True)


def _written(parameter: Level | None) -> str:
    """A level's number, with the digits that it has: among scores, a variance of 0.00004 would be 0."""
    numbers = parameter if isinstance(parameter, tuple) else (parameter,)
    return ", ".join("" if value is None else f"{value:g}" for value in numbers)
