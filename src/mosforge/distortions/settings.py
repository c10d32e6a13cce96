"""The levels that the commands for people use: those of a configuration file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mosforge.commands import read_text
from mosforge.distortions.distortion import Level
from mosforge.distortions.plans import check_type, levels_of
from mosforge.errors import MosforgeError

_WHERE = {"synthetic": ("distortions", "synthetic"), "authentic": ("distortions", "authentic", "types")}


def read_levels(config: Path, kind: str) -> dict[str, tuple[Level, ...]]:
    """The levels of every type of a kind of corpus, in the order of the file.

    Raises:
        MosforgeError: no such file, not YAML, or without the key.
    """
    if not config.is_file():
        raise MosforgeError(f"{config}: no such configuration; name yours with --config FILE")
    try:
        value: Any = yaml.safe_load(read_text(config))
    except yaml.YAMLError as error:
        raise MosforgeError(f"{config}: not YAML ({' '.join(str(error).split())})") from None
    for key in _WHERE[kind]:
        if not isinstance(value, dict) or key not in value:
            raise MosforgeError(
                f"{config}: no key {'.'.join(_WHERE[kind])}; name with --config a file that holds it"
            )
        value = value[key]
    return levels_of(kind, value)


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
