"""The levels that the commands for people use: those of the configuration."""

from collections.abc import Mapping, Sequence

from mosforge.config.distortions import Types
from mosforge.config.files import Values, value_of
from mosforge.core.errors import MosforgeError
from mosforge.core.values import Level
from mosforge.distortions.kinds import type_of


def read_levels(config: Values, kind: str) -> dict[str, tuple[Level, ...]]:
    """The levels of every type of a kind of corpus, in the order of their classes.

    Raises:
        MosforgeError: the configuration lacks the key, or holds an unknown type or what is not a level.
    """
    types: Types = value_of(config, f"distortions.{kind}" + (".types" if kind == "authentic" else ""))
    return types.levels()


def parameter_of(levels: Mapping[str, Sequence[Level]], kind: str, name: str, level: int) -> Level:
    """The value of a level, numbered from 1.

    Raises:
        MosforgeError: an unknown type or level; the message lists those that there are.
    """
    type_of(kind, name)
    values = levels.get(name, ())
    if not 1 <= level <= len(values):
        there = f"1 to {len(values)}" if values else "none configured"
        raise MosforgeError(f"no level {level} of {name}; its levels are {there}")
    return values[level - 1]
