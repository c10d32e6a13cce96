"""The distorted images of one reference image: their distortions, levels, seeds and labels."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.seeds import generator, seed_of
from mosforge.core.values import Level
from mosforge.distortions.classes import Mixture, authentic_classes, labels
from mosforge.distortions.kinds import AUTHENTIC, EXCLUSIVE
from mosforge.distortions.settings import AuthenticSettings, DistortSettings, SyntheticSettings

TypeSets = Mapping[int, list[tuple[str, ...]]]


@dataclass(frozen=True)
class Variant:
    """One distorted image of a reference image.

    Attributes:
        name: part of the file name, different for each variant of a reference image.
        steps: (type, parameter) pairs, applied one after the other.
        seed: of its random draws.
        level: of the distortion, from 1; None for a mixture.
        class_index: in the class table; None for a mixture.
        labels: the bits of a mixture; None otherwise.
    """

    name: str
    steps: tuple[tuple[str, Level], ...]
    seed: int
    level: int | None = None
    class_index: int | None = None
    labels: list[int] | None = None


def group_of(cfg: DistortSettings) -> str:
    """The group of a corpus that the settings are about: its distortion type, or `authentic`."""
    return cfg.type if isinstance(cfg, SyntheticSettings) else "authentic"


def variants_of(cfg: DistortSettings, source: str, image_id: str) -> Iterator[Variant]:
    """The distorted images of a reference image.

    Args:
        cfg: the settings of a group.
        source: name of the reference image's source.
        image_id: of the reference image.

    Raises:
        MosforgeError: there are not so many different mixtures.
    """
    if isinstance(cfg, SyntheticSettings):
        yield from _levels_of_type(cfg, source, image_id)
    elif isinstance(cfg, AuthenticSettings):
        yield from _mixtures(cfg, source, image_id)


def _levels_of_type(cfg: SyntheticSettings, source: str, image_id: str) -> Iterator[Variant]:
    """One image for each level, weakest first."""
    for level, parameter in enumerate(cfg.levels, start=1):
        yield Variant(
            name=str(level),
            steps=((cfg.type, parameter),),
            seed=seed_of("distortion", cfg.seed, source, image_id, cfg.type, level),
            level=level,
            class_index=cfg.first_class + level - 1,
        )


def _mixtures(cfg: AuthenticSettings, source: str, image_id: str) -> Iterator[Variant]:
    """Images with several distortions; a larger number of them begins with those of a smaller one."""
    counts = {name: len(levels) for name, levels in cfg.types.items()}
    rng = generator("mixtures", cfg.seed, source, image_id)
    classes = authentic_classes(cfg.types)
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
    """The sets of types that may be in one image, by their number of types.

    Raises:
        MosforgeError: for some number in the range there is no such set.
    """
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
                f"the configured types ({', '.join(names) or 'none'}) can be together; lower it or add types"
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
