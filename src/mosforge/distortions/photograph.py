"""One photograph's distorted pictures: read once, distorted, written. The unit of work of a shard."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels, open_image, to_rgb
from mosforge.distortions.distortion import Level
from mosforge.distortions.plans import TYPES, Plan
from mosforge.distortions.png import encode_png


@dataclass(frozen=True)
class Photograph:
    """A row of the catalogue, as far as this stage needs it."""

    source: str
    image_id: str
    path: str
    sha256: str


def distort_photograph(photograph: Photograph, plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """Writes all pictures of a photograph into `folder`.

    Returns:
        A row of the manifest for each; `path` holds the name of the file alone.

    Raises:
        MosforgeError: the photograph is gone, changed or cannot be read, or the disk is full.
    """
    pixels = _read(photograph)
    height, width = pixels.shape[:2]
    rows = []
    for variant in plan.variants(photograph.source, photograph.image_id):
        rng = np.random.Generator(np.random.PCG64(variant.seed))
        file, suffix = render(pixels, variant.steps, plan.kind, rng, plan.png_compression)
        name = f"{flat_name(photograph.image_id)}_{variant.name}{suffix}"
        _write(folder / name, file)
        row = {
            "source": photograph.source,
            "image_id": photograph.image_id,
            "reference": photograph.path,
            "group": plan.group,
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
        kind: synthetic, authentic or kadid25: whose types they are.
        rng: for all random draws.
        png_compression: zlib level, 0 to 9.

    Returns:
        The file and its suffix: the codec's own bitstream where the last type is a codec, else PNG.
    """
    *before, (name, parameter) = steps
    for earlier, value in before:
        pixels = TYPES[kind][earlier].apply(pixels, value, rng)
    last = TYPES[kind][name]
    if last.encode is not None and not isinstance(parameter, list | tuple):
        return last.encode(pixels, parameter), last.suffix
    return encode_png(last.apply(pixels, parameter, rng), png_compression, last.few_colours), last.suffix


def flat_name(image_id: str) -> str:
    """A file name for a photograph: readable, portable, and different for every image id."""
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", image_id.rsplit(".", 1)[0])[-80:].strip("-.")
    return f"{stem}-{hashlib.sha256(image_id.encode()).hexdigest()[:10]}"


def check_size(pixels: Pixels, name: object) -> None:
    """Refuses a picture that the metrics could not score."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise MosforgeError(
            f"{name}: {width}x{height} pixels; both sides need at least {SMALLEST_SIDE} to be scored"
        )


def _read(photograph: Photograph) -> Pixels:
    path = photograph.path
    try:
        file = Path(path).read_bytes()
    except OSError as error:
        raise MosforgeError(
            f"{path}: {error.strerror or error}; put the photograph back or run the stage sources again"
        ) from None
    if hashlib.sha256(file).hexdigest() != photograph.sha256:
        raise MosforgeError(f"{path}: the photograph has changed since it was catalogued; run sources again")
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
