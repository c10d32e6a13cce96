"""The class table of a kind of corpus: the meaning of an index of the softmax, or of a bit of the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mosforge.core.values import Level
from mosforge.distortions.kinds import AUTHENTIC

Mixture = tuple[tuple[str, int], ...]
"""The distortions of an authentic image: (type, level from 1) pairs in the order of `kinds.AUTHENTIC`."""


@dataclass(frozen=True)
class DistortionClass:
    """One row of a class table.

    Attributes:
        index: class index (synthetic) or bit (authentic), from 0.
        type: name of the distortion type.
        level: from 1 (weakest); None for a bit that stands for the type at any level.
        parameter: the level's value; None for such a bit.
    """

    index: int
    type: str
    level: int | None
    parameter: Level | None


def classes_of(kind: str, levels: Mapping[str, Sequence[Level]]) -> list[DistortionClass]:
    """The class table of a kind of corpus."""
    return authentic_classes(levels) if kind == "authentic" else synthetic_classes(levels)


def synthetic_classes(levels: Mapping[str, Sequence[Level]]) -> list[DistortionClass]:
    """A class for every (type, level), in the order of `levels`; a type without levels has none."""
    pairs = [(name, i, value) for name, values in levels.items() for i, value in enumerate(values, start=1)]
    return [DistortionClass(index, *pair) for index, pair in enumerate(pairs)]


def authentic_classes(levels: Mapping[str, Sequence[Level]]) -> list[DistortionClass]:
    """A bit for every type, then one for every (type, level), both in the camera's order."""
    names = [name for name in AUTHENTIC if levels.get(name)]
    types: list[tuple[str, int | None, Level | None]] = [(name, None, None) for name in names]
    pairs = [(name, i, value) for name in names for i, value in enumerate(levels[name], start=1)]
    return [DistortionClass(index, *row) for index, row in enumerate([*types, *pairs])]


def labels(mixture: Mixture, classes: Sequence[DistortionClass]) -> list[int]:
    """The label vector of a mixture: 1 for every type and every (type, level) in it.

    Args:
        mixture: the distortions of an image.
        classes: the rows of `authentic_classes`.

    Returns:
        A 0 or 1 for each row.
    """
    present = {*mixture, *((name, None) for name, _ in mixture)}
    return [int((row.type, row.level) in present) for row in classes]
