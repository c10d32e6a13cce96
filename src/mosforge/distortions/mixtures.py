"""Which types at which levels an authentic picture gets."""

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.distortions.authentic import EXCLUSIVE, TYPES

Mixture = tuple[tuple[str, int], ...]
"""(type, level from 1) pairs in the order of `authentic.TYPES`."""

TypeSets = Mapping[int, list[tuple[str, ...]]]


def draw_mixtures(
    levels: Mapping[str, int], types_per_image: tuple[int, int], count: int, rng: np.random.Generator
) -> list[Mixture]:
    """Draws different mixtures for one photograph.

    The number of types is uniform in the range, then every allowed set of that many types is equally
    likely, then every level. What was drawn before is drawn again, so the first k of n mixtures are those
    of a call for k.

    Args:
        levels: number of levels of each type.
        types_per_image: fewest and most types.
        count: mixtures.
        rng: a generator of the photograph's own.

    Raises:
        MosforgeError: there are fewer than `count` different mixtures.
    """
    sets = allowed_sets(levels, types_per_image)
    possible = sum(math.prod(levels[name] for name in names) for group in sets.values() for names in group)
    if count > possible:
        raise MosforgeError(
            f"{count} pictures of each photograph are more than the {possible} different mixtures; "
            "lower distortions.corpora's total, or add types or levels to distortions.authentic"
        )
    return list(itertools.islice(_different(levels, sets, rng), count))


def allowed_sets(levels: Mapping[str, int], types_per_image: tuple[int, int]) -> TypeSets:
    """The sets of types that may occur together, by their number of types.

    Raises:
        MosforgeError: some number in the range has no such set.
    """
    fewest, most = types_per_image
    names = [name for name in TYPES if levels.get(name, 0) > 0]
    sets = {
        size: [group for group in itertools.combinations(names, size) if len(EXCLUSIVE & set(group)) < 2]
        for size in range(fewest, most + 1)
    }
    for size, groups in sets.items():
        if not groups:
            raise MosforgeError(
                f"distortions.authentic.types_per_image allows {size} types in a picture, but the configured "
                f"types ({', '.join(names) or 'none'}) give no such mixture; lower it or add types"
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
