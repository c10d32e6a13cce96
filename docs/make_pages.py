"""Writes what is made from the code: `make pages`.

From the types of the configuration come the JSON schema, the page of all keys and the comments of
`config.yaml`; from the signatures and docstrings of the jobs comes the page of the jobs.
"""

import inspect
import json
import re
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mosforge import jobs
from mosforge.config.configuration import Configuration
from mosforge.config.files import DEFAULT, Values, read
from mosforge.core.values import Allowed

PAGE = Path("docs/configuration.md")
JOBS = Path("docs/jobs.md")
SCHEMA = Path("workflow/schemas/config.schema.yaml")

_WIDTH = 110
_WRITTEN = "Written from `src/mosforge/config/` by `make pages`."

Field = tuple[str, FieldInfo]
"""The dotted path of a key below some model, and what is known of the key."""


def write_all(folder: Path) -> None:
    """Writes all of it into the folder of the workflow."""
    text = commented((folder / DEFAULT).read_text(encoding="utf-8"))
    (folder / DEFAULT).write_text(text, encoding="utf-8")
    (folder / SCHEMA).write_text(schema(), encoding="utf-8")
    (folder / PAGE).write_text(page(read(folder / DEFAULT)), encoding="utf-8")
    (folder / JOBS).write_text(jobs_page(), encoding="utf-8")


def schema() -> str:
    """The JSON schema of the configuration, as YAML."""
    found = Configuration.model_json_schema()
    definitions = found.pop("$defs")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mosforge configuration"}
    text = yaml.dump(
        head | _tidied(found, definitions), sort_keys=False, width=_WIDTH, default_flow_style=None
    )
    return f"# {_WRITTEN}\n{text}"


def _tidied(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with its definitions in their places, and without what says nothing."""
    if isinstance(node, list):
        return [_tidied(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = definitions[node["$ref"].rpartition("/")[2]] | node
        del node["$ref"]
    if node.get("default", "") is None:  # a key that may be left out, but not be null
        node = {**node.pop("anyOf")[0], **node} if "anyOf" in node else node
        return _tidied({key: value for key, value in node.items() if key != "default"}, definitions)
    if "patternProperties" in node:
        ((pattern, values),) = node.pop("patternProperties").items()
        node |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
    tidied = {"type": node["type"]} if "type" in node else {}
    for key, value in node.items():
        if key == "properties":
            tidied[key] = {name: _tidied(inner, definitions) for name, inner in value.items()}
        elif key == "description":
            tidied[key] = " ".join(value.split())
        elif key not in ("title", "default"):
            tidied[key] = _tidied(value, definitions)
    return tidied


def page(values: Values) -> str:
    """The page of all keys, as Markdown.

    Args:
        values: those of `config.yaml`, which it shows.
    """
    parts = [
        "# All keys of the configuration",
        f"{_WRITTEN} A `*` stands for any name of small letters, digits and _.",
    ]
    for section, field in Configuration.model_fields.items():
        rows = [
            f"| `{key}` | {_allowed(info)} | {_shown(values, key)} | {_in_a_cell(info)} |"
            for key, info in fields(field, section)
        ]
        table = ["| key | value | in config.yaml | what it is |", "|---|---|---|---|", *rows]
        parts += [f"## {field.description}", "\n".join(table)]
    return "\n\n".join(parts) + "\n"


def fields(field: FieldInfo, path: str = "") -> Iterator[Field]:
    """All keys below a key, outer ones first; `*` stands for the names of a mapping."""
    kind = _without_null(field.annotation)
    if get_origin(kind) is Mapping:
        path, kind = f"{path}.*".removeprefix("."), get_args(kind)[1]
    if _is_model(kind):
        for name, inner in kind.model_fields.items():
            key = f"{path}.{name}".removeprefix(".")
            yield key, inner
            yield from fields(inner, key)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _without_null(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return next(part for part in get_args(kind) if part is not types.NoneType)
    return kind


def _allowed(field: FieldInfo) -> str:
    """What a key may hold; empty for one that only holds others."""
    null = ", or null" if field.is_required() and types.NoneType in get_args(field.annotation) else ""
    return _words(_without_null(field.annotation), field.metadata) + null


def _words(kind: Any, metadata: Any = ()) -> str:
    for fact in metadata:
        if isinstance(fact, Allowed):
            return fact.words
    origin, inner = get_origin(kind), get_args(kind)
    if hasattr(kind, "__metadata__"):
        return _words(kind.__origin__, kind.__metadata__)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in inner)
    if origin is tuple:
        several = "a list" if inner[1] is Ellipsis else "a pair"
        return f"{several}, each {_words(inner[0])}"
    if origin is Mapping:
        return f"names, each with {_words(inner[1])}" if _words(inner[1]) else "names"
    return ""


def _shown(values: Any, key: str) -> str:
    for part in key.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return ""
        values = values[part]
    return "" if isinstance(values, Mapping) else f"`{json.dumps(values)}`"


def _in_a_cell(field: FieldInfo) -> str:
    return "<br>".join(_paragraphs(field)).replace("|", "\\|")


def _paragraphs(field: FieldInfo) -> list[str]:
    """The description of a key: its text, and its items, which begin with two blanks."""
    paragraphs = [""]
    for line in (field.description or "").splitlines():
        if line.startswith("  "):
            paragraphs.append(line)
        else:
            paragraphs[-1] = f"{paragraphs[-1]} {line}".lstrip()
    return paragraphs


def commented(text: str) -> str:
    """The text of `config.yaml` with the description of each key above it, in the place of what was there.

    Keys of named entries, such as those of a corpus, are described above the mapping that holds the entries.
    """
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for line, block in sorted(_blocks(root, Configuration, "", set()), reverse=True):
        first = line
        while first > 0 and lines[first - 1].lstrip().startswith("#"):
            first -= 1
        lines[first:line] = block
    return "\n".join(lines) + "\n"


def _blocks(
    node: Any, model: type[BaseModel], indent: str, listed: set[Any]
) -> Iterator[tuple[int, list[str]]]:
    """The line of each key that stands in a line of its own, and the comment above it.

    Keys that have no such line are listed in the comment of the key that holds them: those of named entries,
    and those of a mapping in braces, where `listed` does not hold its type already.
    """
    for key_node, value_node in node.value:
        line, field = key_node.start_mark.line, model.model_fields[key_node.value]
        if model is Configuration:
            yield line, [f"# {field.description} ".ljust(98, "-")]
        else:
            has_lines = _is_model(field.annotation) and not value_node.flow_style
            inner = {} if has_lines or field.annotation in listed else dict(fields(field))
            listed.add(field.annotation)
            yield line, [f"{indent}# {text}" for text in _comment(field, inner, len(indent))]
        if _is_model(field.annotation) and not value_node.flow_style:
            yield from _blocks(value_node, cast(type[BaseModel], field.annotation), f"{indent}  ", listed)


def _comment(field: FieldInfo, inner: Mapping[str, FieldInfo], indent: int) -> Iterator[str]:
    """A description in lines, then those of the keys below, in two columns."""
    names = [name.removeprefix("*.") for name in inner]
    longest = max(map(len, names), default=0)
    entries = zip(names, map(_paragraphs, inner.values()), strict=True)
    for text in [
        *_paragraphs(field),
        *(f"  {name:<{longest}}  {' '.join(about)}" for name, about in entries),
    ]:
        column = re.match(r"  \S+ +|", text)
        after = " " * (len(column[0]) if column else 0)
        yield from textwrap.wrap(text, _WIDTH - indent - 2, subsequent_indent=after, break_on_hyphens=False)


def jobs_page() -> str:
    """The page that describes every job: what it does, and its options."""
    lines = [_ABOUT_JOBS]
    for stage, rules in jobs.RULES.items():
        for rule in rules:
            job = jobs.job_of(stage, rule)
            about = (inspect.getdoc(job) or "").partition("\n\nArgs:")[0]
            lines += [f"## mosforge {stage} {rule}", "", about, "", "| option | value | |", "|---|---|---|"]
            for option in jobs.options_of(job):
                needed = "" if option.required else " (may be left out)"
                needed = " (several)" if get_origin(option.kind) is list else needed
                lines.append(f"| `--{option.name}` | `{option.metavar}`{needed} | {option.about} |")
            lines.append("")
    return "\n".join(lines)


_ABOUT_JOBS = """# The jobs

Each rule of the workflow runs one command of the rule's name: the rule `fuse` runs `mosforge pmos fuse`,
which is the function `fuse` in `src/mosforge/pmos/fuse.py`. (The rules `pretrain_authentic` and
`features_on_split` run the commands of `pretrain` and `features`.) You do not need these commands to run the
workflow. Snakemake prints the command of every job, and you can paste it into a terminal. `--log FILE` also
writes the lines of progress to a file. An artefact is a kind of table; `src/mosforge/core/schemas/` describes
its columns. `make pages` makes this page from the signatures and docstrings of the functions.
"""


if __name__ == "__main__":
    write_all(Path(__file__).resolve().parents[1])
