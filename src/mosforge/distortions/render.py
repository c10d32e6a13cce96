"""The distorted images of one reference image: their distortions, levels, seeds and labels, and their files.

The reference image is read once, distorted, and each result is written.
"""

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import SMALLEST_SIDE, Pixels, open_image, to_rgb
from mosforge.core.seeds import generator, seed_of
from mosforge.core.values import Level
from mosforge.distortions.codecs import encode_png
from mosforge.distortions.kinds import AUTHENTIC, EXCLUSIVE, Mixture, classes_of, labels, type_of
from mosforge.distortions.settings import AuthenticSettings, DistortSettings, SyntheticSettings

Steps = Sequence[tuple[str, Level]]
"""(type, parameter) pairs, applied one after the other."""

TypeSets = Mapping[int, list[tuple[str, ...]]]


class Reference(NamedTuple):
    """A reference image: columns of the catalogue."""

    source: str
    image_id: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Variant:
    """One distorted image of a reference image; of a mixture, level and class are None."""

    name: str  # part of the file name, different for each variant of a reference image
    steps: Steps
    seed: int  # of its random draws
    level: int | None = None  # of the distortion, from 1
    class_index: int | None = None  # in the class table
    labels: list[int] | None = None  # the bits of a mixture


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


def group_of(cfg: DistortSettings) -> str:
    """The group of a corpus that the settings are about: its distortion type, or `authentic`."""
    return cfg.type if isinstance(cfg, SyntheticSettings) else "authentic"


def variants_of(cfg: DistortSettings, source: str, image_id: str) -> Iterator[Variant]:
    """The distorted images of a reference image: one for each level, weakest first; or mixtures.

    The first mixtures are the same however many are asked for.

    Args:
        cfg: the settings of a group.
        source: name of the reference image's source.
        image_id: of the reference image.

    Raises:
        MosforgeError: there are not so many different mixtures.
    """
    if isinstance(cfg, SyntheticSettings):
        for level, parameter in enumerate(cfg.levels, start=1):
            yield Variant(
                name=str(level),
                steps=((cfg.type, parameter),),
                seed=seed_of("distortion", cfg.seed, source, image_id, cfg.type, level),
                level=level,
                class_index=cfg.first_class + level - 1,
            )
    elif isinstance(cfg, AuthenticSettings):
        counts = {name: len(levels) for name, levels in cfg.types.items()}
        rng = generator("mixtures", cfg.seed, source, image_id)
        classes = classes_of(cfg.kind, cfg.types)
        for number, mixture in enumerate(draw_mixtures(counts, cfg.types_per_image, cfg.per_image, rng)):
            yield Variant(
                name=f"{number:03d}",
                steps=tuple((name, cfg.types[name][level - 1]) for name, level in mixture),
                seed=seed_of("distortion", cfg.seed, source, image_id, "authentic", number),
                labels=labels(mixture, classes),
            )


def draw_mixtures(
    levels: Mapping[str, int], types_per_image: tuple[int, int], count: int, rng: np.random.Generator
) -> list[Mixture]:
    """Draws different mixtures for one reference image.

    The number of types is uniform in the range. Then every allowed set of that many types is equally likely,
    and then every level. A mixture that was drawn before is skipped, so the first k of n mixtures are those
    of a call for k.

    Args:
        levels: number of levels of each type.
        types_per_image: fewest and most types.
        count: number of mixtures.
        rng: a generator only for this reference image.

    Raises:
        MosforgeError: there are fewer than `count` different mixtures.
    """
    sets = _allowed_sets(levels, types_per_image)
    possible = sum(math.prod(levels[name] for name in names) for group in sets.values() for names in group)
    if count > possible:
        raise MosforgeError(
            f"{count} distorted images of each reference image are more than the {possible} different "
            "mixtures; lower distortions.corpora's total, or add types or levels to distortions.authentic"
        )
    return list(itertools.islice(_different(levels, sets, rng), count))


def _allowed_sets(levels: Mapping[str, int], types_per_image: tuple[int, int]) -> TypeSets:
    """The sets of types that may be in one image, by their number of types."""
    fewest, most = types_per_image
    names = [name for name in AUTHENTIC if levels.get(name, 0) > 0]
    sets = {
        size: [group for group in itertools.combinations(names, size) if len(EXCLUSIVE & set(group)) < 2]
        for size in range(fewest, most + 1)
    }
    for size, groups in sets.items():
        if not groups:
            raise MosforgeError(
                f"distortions.authentic.types_per_image allows {size} types in an image, but no {size} of "
                f"the configured types ({', '.join(names) or 'none'}) can be combined; lower it or add types"
            )
    return sets


def _different(levels: Mapping[str, int], sets: TypeSets, rng: np.random.Generator) -> Iterator[Mixture]:
    sizes = list(sets)
    seen: set[Mixture] = set()
    while True:
        groups = sets[sizes[rng.integers(len(sizes))]]
        names = groups[rng.integers(len(groups))]
        mixture = tuple((name, int(rng.integers(levels[name])) + 1) for name in names)
        if mixture not in seen:
            seen.add(mixture)
            yield mixture


def render(
    pixels: Pixels, steps: Steps, kind: str, rng: np.random.Generator, png_compression: int
) -> tuple[bytes, str]:
    """Applies distortions one after the other, and encodes the result.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        steps: the distortions; without any, the image stays as it is.
        kind: the kind of corpus that the types belong to; see `kinds`.
        rng: source of all random numbers.
        png_compression: zlib level, 0 to 9.

    Returns:
        The file and its suffix: the codec's own bitstream if the last type is a codec, else PNG.
    """
    if not steps:
        return encode_png(pixels, png_compression), ".png"
    *before, (name, parameter) = steps
    for earlier, value in before:
        pixels = type_of(kind, earlier).apply(pixels, value, rng)
    last = type_of(kind, name)
    if last.encode is not None:
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
            f"{path}: {error.strerror or error}; put it back, or run again without it"
        ) from None
    if hashlib.sha256(file).hexdigest() != reference.sha256:
        raise MosforgeError(f"{path}: the image has changed since it was catalogued; run again")
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
