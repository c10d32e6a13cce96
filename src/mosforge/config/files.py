"""The files of a configuration: `config.yaml`, and others laid over it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import TypeAdapter, ValidationError

from mosforge.config.configuration import Configuration, checked
from mosforge.core.errors import MosforgeError
from mosforge.core.values import explain

Values = dict[str, Any]

DEFAULT = Path("config.yaml")
SCHEMA = Path("workflow/schemas/config.schema.yaml")


def check_files(values: Mapping[str, Any], files: Iterable[str | Path]) -> Configuration:
    """What Snakemake made of its configuration files, as types.

    Args:
        values: the merged configuration.
        files: which are read again, since Snakemake takes a key that stands twice without a word.

    Raises:
        MosforgeError: see `read` and `configuration.checked`.
    """
    for file in files:
        read(Path(file))
    return checked(values)


def load_config(overlays: Iterable[Path] | None = None) -> Values:
    """`config.yaml` of the working directory with other files laid over it, as Snakemake does.

    Mappings are merged key by key; anything else, also a list, is replaced. Where there is no `config.yaml`,
    the other files are all. In the folder of the workflow the whole is checked; elsewhere it may be a part,
    and `value_of` checks what is asked for.

    Raises:
        MosforgeError: a file is missing or no configuration; or see `configuration.checked`.
    """
    config: Values = {}
    over = list(overlays or [])
    for path in [DEFAULT, *over] if DEFAULT.exists() or not over else over:
        config = _merged(config, read(path))
    if DEFAULT.exists() and SCHEMA.exists():
        checked(config)
    return config


def value_of(config: Values, key: str) -> Any:
    """The value of a key such as `finetuning.datasets`, as its type.

    Raises:
        MosforgeError: the configuration has no such key, or something else than the key may hold.
    """
    value, kind = _at(config, key)
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problem = explain(error, key)
        raise MosforgeError(f"configuration: {problem}") from None


def entry_of(config: Values, key: str, name: str) -> Any:
    """An entry of a mapping of names such as `finetuning.datasets`, as its type.

    Raises:
        MosforgeError: there is no such entry (the sentence names those there are), or see `value_of`.
    """
    entries, _ = _at(config, key)
    if isinstance(entries, Mapping) and name not in entries:
        raise MosforgeError(f"{name!r} is not in {key}; there are {', '.join(map(str, entries))}")
    return value_of(config, key)[name]


def _at(config: Values, key: str) -> tuple[Any, Any]:
    """The value of a key, and its type."""
    value: Any = config
    kind: Any = Configuration
    for part in key.split("."):
        if not isinstance(value, Mapping) or value.get(part) is None:
            raise MosforgeError(
                f"the configuration has no key {key}; run this where config.yaml is, or name a file with it"
            )
        field = kind.model_fields[part]
        value, kind = value[part], field.annotation
    return value, Annotated[kind, field]


def read(path: Path) -> Values:
    """The values of one file.

    Raises:
        MosforgeError: the file is missing, no YAML, no mapping, or has a key twice.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise MosforgeError(
            f"{path}: no such configuration; run this where config.yaml is, or name one with --config"
        ) from None
    except UnicodeDecodeError:
        raise MosforgeError(f"{path}: not a text file in UTF-8; save it as UTF-8") from None
    except _TwiceError as error:
        raise MosforgeError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise MosforgeError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise MosforgeError(f"{path}: not a mapping of keys to values")
    return content


class _TwiceError(Exception):
    """A key stands twice."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping; YAML would take the last one and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.value != "<<":
                key, line = self.construct_object(key_node), key_node.start_mark.line + 1
                if key in lines:
                    where = f"in lines {lines[key]} and {line}"
                    raise _TwiceError(f"the key {key!r} stands twice, {where}; remove one of them")
                lines[key] = line
        return super().construct_mapping(node, deep)


def _merged(base: Values, over: Mapping[str, Any]) -> Values:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
