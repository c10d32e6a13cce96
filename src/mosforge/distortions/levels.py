"""The levels that the commands for people use: those of a configuration file."""

from collections.abc import Sequence
from typing import Any

from mosforge.configuration import Config
from mosforge.core.errors import MosforgeError
from mosforge.distortions.distortion import Level
from mosforge.distortions.plans import check_type, in_order, levels_of

_WHERE = {
    "synthetic": ("distortions", "synthetic"),
    "authentic": ("distortions", "authentic", "types"),
    "kadid25": ("distortions", "kadid25"),
}


def read_levels(config: Config, kind: str) -> dict[str, tuple[Level, ...]]:
    """The levels of every type of a kind of corpus, in the order of their classes.

    Raises:
        MosforgeError: the configuration lacks the key.
    """
    value: Any = config
    for key in _WHERE[kind]:
        if not isinstance(value, dict) or key not in value:
            raise MosforgeError(f"configuration: no key {'.'.join(_WHERE[kind])}; name a file that has it")
        value = value[key]
    return in_order(kind, levels_of(kind, value))


def parameter_of(levels: dict[str, tuple[Level, ...]], kind: str, name: str, level: int) -> Level:
    """The value of a level, numbered from 1.

    Raises:
        MosforgeError: an unknown type or level; the sentence lists what there is.
    """
    values: Sequence[Level] = levels.get(check_type(kind, name), ())
    if not 1 <= level <= len(values):
        there = f"1 to {len(values)}" if values else "none configured"
        raise MosforgeError(f"no level {level} of {name}; its levels are {there}")
    return values[level - 1]
