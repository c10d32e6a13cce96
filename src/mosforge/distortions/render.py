"""The distorted images of one reference image: it is read once, distorted, and each result is written."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels, open_image, to_rgb
from mosforge.core.values import Level
from mosforge.distortions.codecs import encode_png
from mosforge.distortions.kinds import type_of
from mosforge.distortions.settings import DistortSettings
from mosforge.distortions.variants import group_of, variants_of


class Reference(NamedTuple):
    """A reference image: columns of the catalogue."""

    source: str
    image_id: str
    path: str
    sha256: str


def render_variants(reference: Reference, cfg: DistortSettings, folder: Path) -> list[dict[str, Any]]:
    """Writes all distorted images of a reference image into a folder.

    Returns:
        A row of the manifest for each; `path` is only the name of the file.

    Raises:
        MosforgeError: the reference image is missing, has changed or cannot be read, or the disk is full.
    """
    pixels = _read(reference)
    height, width = pixels.shape[:2]
    rows = []
    for variant in variants_of(cfg, reference.source, reference.image_id):
        rng = np.random.Generator(np.random.PCG64(variant.seed))
        file, suffix = render(pixels, variant.steps, cfg.kind, rng, cfg.png_compression)
        name = f"{flat_name(reference.image_id)}_{variant.name}{suffix}"
        _write(folder / name, file)
        row = {
            "source": reference.source,
            "image_id": reference.image_id,
            "reference": reference.path,
            "group": group_of(cfg),
            "level": variant.level,
            "class_index": variant.class_index,
            "labels": variant.labels,
            "seed": variant.seed,
            "path": name,
            "width": width,
            "height": height,
            "bytes": len(file),
            "sha256": hashlib.sha256(file).hexdigest(),
        }
        rows.append(row)
    return rows


def render(
    pixels: Pixels,
    steps: Sequence[tuple[str, Level]],
    kind: str,
    rng: np.random.Generator,
    png_compression: int,
) -> tuple[bytes, str]:
    """Applies distortions one after the other, and encodes the result.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        steps: (type, parameter) pairs.
        kind: the kind of corpus that the types belong to; see `kinds`.
        rng: source of all random numbers.
        png_compression: zlib level, 0 to 9.

    Returns:
        The file and its suffix: the codec's own bitstream if the last type is a codec, else PNG.
    """
    *before, (name, parameter) = steps
    for earlier, value in before:
        pixels = type_of(kind, earlier).apply(pixels, value, rng)
    last = type_of(kind, name)
    if last.encode is not None and not isinstance(parameter, tuple):
        return last.encode(pixels, parameter), last.suffix
    return encode_png(last.apply(pixels, parameter, rng), png_compression, last.few_colours), last.suffix


def flat_name(image_id: str) -> str:
    """A file name for a reference image: readable, portable, and different for every image id."""
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", image_id.rsplit(".", 1)[0])[-80:].strip("-.")
    return f"{stem}-{hashlib.sha256(image_id.encode()).hexdigest()[:10]}"


def check_size(pixels: Pixels, name: object) -> None:
    """Refuses an image that is too small for the metrics."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MosforgeError(
            f"{name}: {width}x{height} pixels; both sides need at least {SMALLEST_SIDE} to be scored"
        )


def _read(reference: Reference) -> Pixels:
    path = reference.path
    try:
        file = Path(path).read_bytes()
    except OSError as error:
        raise MosforgeError(
            f"{path}: {error.strerror or error}; put the image back or run the stage sources again"
        ) from None
    if hashlib.sha256(file).hexdigest() != reference.sha256:
        raise MosforgeError(f"{path}: the image has changed since it was catalogued; run sources again")
    with open_image(file, path) as image:
        pixels = to_rgb(image, path)
    check_size(pixels, path)
    return pixels


def _write(path: Path, file: bytes) -> None:
    try:
        path.write_bytes(file)
    except OSError as error:
        raise MosforgeError(
            f"{path.parent}: cannot write {path.name} ({error.strerror or error}); make room and run again"
        ) from None
