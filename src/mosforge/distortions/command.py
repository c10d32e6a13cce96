"""`mosforge distortions shard`, and for people `distort`, `gallery` and `classes`."""

import argparse
import logging
from pathlib import Path, PurePath
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.options import add_config, add_format, add_threads, add_verb, number, write_rows

logger = logging.getLogger(__name__)

_KINDS = ("synthetic", "authentic", "kadid25")
_LOSSLESS = {".bmp", ".png", ".ppm", ".tif", ".tiff"}
_LOSSY = {".jpg": "JPEG", ".jpeg": "JPEG", ".jp2": "JPEG2000", ".webp": "WebP"}


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the stage's verb and its three commands for people."""
    shard = add_verb(verbs, "shard", _shard, "distort one block of a catalogue", cfg=True)
    shard.add_argument("--catalogue", type=Path, required=True, metavar="FILE", help="catalogue of a source")
    shard.add_argument("--shard", type=number, required=True, metavar="N", help="its block, from 0")
    shard.add_argument("--output", type=PurePath, required=True, metavar="DIR", help="folder that is written")
    add_threads(shard, "processes")

    distort = add_verb(commands, "distort", _distort, "distort one picture")
    distort.add_argument("image", type=Path, help="a picture file")
    distort.add_argument("--type", required=True, metavar="NAME", help="see `mosforge classes`")
    distort.add_argument("--level", type=int, required=True, metavar="N", help="from 1, the weakest")
    distort.add_argument("--seed", type=number, default=0, metavar="S", help="as in a manifest (default: 0)")
    distort.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="picture to write")
    _add_corpus(distort)

    gallery = add_verb(commands, "gallery", _gallery, "show every class of distortion in one picture")
    gallery.add_argument("image", type=Path, help="a picture file")
    gallery.add_argument("--seed", type=number, default=0, metavar="S", help="of random draws (default: 0)")
    gallery.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="PNG file to write")
    _add_corpus(gallery)

    classes = add_verb(commands, "classes", _classes, "say what each class index means")
    add_format(classes)
    _add_corpus(classes)


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", choices=_KINDS, default="synthetic", help="default: synthetic")
    add_config(parser)


def _shard(arguments: argparse.Namespace) -> None:
    from mosforge.core.schemas.sources import CATALOGUE
    from mosforge.core.tables import read_table
    from mosforge.distortions.photograph import Photograph
    from mosforge.distortions.shards import make_shard

    catalogue = read_table(arguments.catalogue, CATALOGUE)
    block = catalogue[catalogue["shard"] == arguments.shard]
    columns = [block[name].tolist() for name in ("source", "image_id", "path", "sha256")]
    photographs = [Photograph(*row) for row in zip(*columns, strict=True)]
    make_shard(photographs, arguments.cfg, arguments.output, arguments.threads)


def _distort(arguments: argparse.Namespace) -> None:
    import numpy as np

    from mosforge.configuration import load_config
    from mosforge.core.files import atomic_file
    from mosforge.core.images import read_rgb
    from mosforge.distortions.levels import parameter_of, read_levels
    from mosforge.distortions.photograph import check_size
    from mosforge.distortions.plans import TYPES

    kind, output = arguments.corpus, arguments.output
    parameter = parameter_of(
        read_levels(load_config(arguments.config), kind), kind, arguments.type, arguments.level
    )
    suffix = output.suffix.lower()
    if suffix not in _LOSSLESS | set(_LOSSY):
        raise MosforgeError(f"{output}: end the name in one of {', '.join(sorted(_LOSSLESS | set(_LOSSY)))}")
    pixels = read_rgb(arguments.image)
    check_size(pixels, arguments.image)
    distortion = TYPES[kind][arguments.type]
    is_its_format = _LOSSY.get(suffix) == _LOSSY.get(distortion.suffix, "none")
    if distortion.encode is not None and is_its_format and not isinstance(parameter, tuple):
        file = distortion.encode(pixels, parameter)
    else:
        rng = np.random.Generator(np.random.PCG64(arguments.seed))
        file = _picture_file(distortion.apply(pixels, parameter, rng), output)
    with atomic_file(output) as temporary:
        temporary.write_bytes(file)


def _picture_file(pixels: Any, output: Path) -> bytes:
    from io import BytesIO

    from PIL import Image

    suffix = output.suffix.lower()
    if suffix in _LOSSY:
        logger.warning("%s: %s adds a distortion of its own; .png keeps the pixels", output, _LOSSY[suffix])
    buffer = BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, Image.registered_extensions()[suffix])
    except (OSError, ValueError) as error:
        raise MosforgeError(
            f"{output}: the format cannot hold the picture ({error}); end the name in .png"
        ) from None
    return buffer.getvalue()


def _gallery(arguments: argparse.Namespace) -> None:
    from mosforge.configuration import load_config
    from mosforge.core.files import atomic_file
    from mosforge.core.images import read_rgb
    from mosforge.distortions.gallery import draw_gallery
    from mosforge.distortions.levels import read_levels
    from mosforge.distortions.photograph import check_size

    if arguments.output.suffix.lower() != ".png":
        raise MosforgeError(f"{arguments.output}: give a .png file")
    levels = read_levels(load_config(arguments.config), arguments.corpus)
    pixels = read_rgb(arguments.image)
    check_size(pixels, arguments.image)
    picture = draw_gallery(pixels, levels, arguments.corpus, arguments.seed)
    with atomic_file(arguments.output) as temporary:
        picture.save(temporary, "PNG")


def _classes(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from mosforge.configuration import load_config
    from mosforge.distortions.classes import classes_of
    from mosforge.distortions.levels import read_levels

    levels = read_levels(load_config(arguments.config), arguments.corpus)
    rows = [asdict(row) for row in classes_of(arguments.corpus, levels)]
    write_rows(rows, ("index", "type", "level", "parameter"), arguments, array=True)
