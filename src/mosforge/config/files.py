"""The files of a configuration: `config.yaml`, and others laid over it.

A folder with a file `run.yaml` is a run of its own. That file is laid over `config.yaml`, whose sources,
corpora, datasets and experiments are the paper's and no part of such a run.
"""

import copy
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from mosforge.config.configuration import Configuration
from mosforge.config.contradictions import checked
from mosforge.core.errors import MosforgeError

Values = dict[str, Any]
Entry = TypeVar("Entry")

DEFAULT = Path("config.yaml")
"""The configuration of the working directory."""

OWN = Path("run.yaml")
"""The configuration of a run that has a folder of its own, which is the working directory."""

_NAMES = {
    "sources": "collections",
    "distortions": "corpora",
    "finetuning": "datasets",
    "evaluation": "experiments",
}
"""The keys whose entries are named freely, by section."""

PAPERS = Path(__file__).with_name("config.yaml")
"""The paper's configuration; in the repository, a link to the one beside the Snakefile."""


def check_files(values: Mapping[str, Any], files: Iterable[str | Path]) -> Configuration:
    """What Snakemake made of its configuration files, as types.

    Args:
        values: the merged configuration.
        files: which are read again, since Snakemake takes a key that stands twice without a word.

    Raises:
        MosforgeError: a `run.yaml` of another folder is among them; or see `read` and
            `contradictions.checked`.
    """
    for file in map(Path, files):
        read(file)
        if file.name == OWN.name and file.resolve() != OWN.resolve():
            raise MosforgeError(
                f"{file}: the configuration of a folder of its own; run there: snakemake --directory "
                f"{file.resolve().parent} (without --configfile)"
            )
    return checked(values)


def without_names(values: Mapping[str, Any]) -> Values:
    """A configuration without sources, corpora, datasets and experiments: the start of a run of its own."""
    bare = copy.deepcopy(dict(values))
    for section, key in _NAMES.items():
        bare[section][key] = {}
    return bare


def load_config(overlays: Iterable[Path] = ()) -> Configuration:
    """The configuration of the working directory with other files laid over it, as Snakemake does.

    In a folder without a `config.yaml`, the paper's configuration takes its place. Mappings are merged key by
    key; anything else, also a list, is replaced.

    Raises:
        MosforgeError: a file is missing or no configuration; or see `contradictions.checked`.
    """
    values = read(DEFAULT if DEFAULT.exists() else PAPERS)
    if OWN.exists():
        values = _merged(without_names(values), read(OWN))
    for path in overlays:
        values = _merged(values, read(path))
    return checked(values)


def entry_of(entries: Mapping[str, Entry], key: str, name: str) -> Entry:
    """An entry of a mapping of names.

    Args:
        entries: the mapping.
        key: its key, such as `finetuning.datasets`.
        name: of the entry.

    Raises:
        MosforgeError: there is no such entry; the sentence names those there are.
    """
    if name not in entries:
        elsewhere = "" if OWN.is_file() else "; of a run of your own give the folder, too: --directory DIR"
        raise MosforgeError(f"{name!r} is not in {key}; there are {', '.join(entries)}{elsewhere}")
    return entries[name]


def read(path: Path) -> Values:
    """The values of one file.

    Raises:
        MosforgeError: the file is missing, no YAML, no mapping, has a key twice, or a number that is
            not what it looks like.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise MosforgeError(f"{path}: no such configuration; correct the name after --config") from None
    except UnicodeDecodeError:
        raise MosforgeError(f"{path}: not a text file in UTF-8; save it as UTF-8") from None
    except _UnclearError as error:
        raise MosforgeError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise MosforgeError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise MosforgeError(f"{path}: not a mapping of keys to values")
    return content


class _UnclearError(Exception):
    """A key stands twice, or a number is another one than it seems."""


class _Loader(yaml.SafeLoader):
    """Refuses what YAML takes otherwise than it looks, and says nothing.

    Of a key that stands twice in a mapping YAML takes the last; 010 is 8, and 1:40 is 100.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                is_merge = key_node.tag == "tag:yaml.org,2002:merge"
                key = "<<" if is_merge else self.construct_object(key_node)
                line = key_node.start_mark.line + 1
                if key in lines:
                    where = f"in lines {lines[key]} and {line}"
                    raise _UnclearError(f"the key {key!r} stands twice, {where}; remove one of them")
                lines[key] = line
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        text, line = str(node.value), node.start_mark.line + 1
        if re.match(r"[-+]?0[0-9_]*[0-9]$|.*:", text):
            raise _UnclearError(
                f"line {line}: {text} is octal or of base 60 in YAML; write it without leading zeros and "
                "colons, or, if it is a text, in quotation marks"
            )
        is_whole = node.tag == "tag:yaml.org,2002:int"
        return self.construct_yaml_int(node) if is_whole else self.construct_yaml_float(node)


for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_number)


def _merged(base: Values, over: Mapping[str, Any]) -> Values:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
