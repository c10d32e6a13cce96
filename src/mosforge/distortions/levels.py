"""The levels that the commands for people use: those of the configuration."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from mosforge.configuration import Config
from mosforge.core.errors import MosforgeError
from mosforge.core.settings import Level
from mosforge.distortions.kinds import in_order, type_of

_WHERE = {
    "synthetic": ("distortions", "synthetic"),
    "authentic": ("distortions", "authentic", "types"),
    "kadid25": ("distortions", "kadid25"),
}
_LEVELS = TypeAdapter(tuple[Level, ...])


def read_levels(config: Config, kind: str) -> dict[str, tuple[Level, ...]]:
    """The levels of every type of a kind of corpus, in the order of their classes.

    Raises:
        MosforgeError: the configuration lacks the key, or holds an unknown type or what is not a level.
    """
    value: Any = config
    for key in _WHERE[kind]:
        if not isinstance(value, dict) or key not in value:
            raise MosforgeError(f"configuration: no key {'.'.join(_WHERE[kind])}; name a file that has it")
        value = value[key]
    for name in value:
        type_of(kind, name)
    return {name: _levels(name, levels) for name, levels in in_order(kind, value).items()}


def _levels(name: str, values: object) -> tuple[Level, ...]:
    try:
        return _LEVELS.validate_python(values)
    except ValidationError:
        raise MosforgeError(
            f"distortions: {values!r} are no levels of {name}; give a list of numbers"
        ) from None


def parameter_of(levels: dict[str, tuple[Level, ...]], kind: str, name: str, level: int) -> Level:
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
