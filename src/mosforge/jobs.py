"""The jobs of the workflow: a rule RULE of a stage runs the function RULE in the module `STAGE/RULE.py`.

The signature of that function is all that the command line needs: each parameter is an option of its name.

- `Path` is one file or folder, `list[Path]` several, `X | None = None` may be left out.
- `Literal` lists the choices, and `bool` is 0 or 1.
- A parameter whose type is a model of settings (`cfg`) is JSON that is checked against that model.
- A parameter whose type is a dataclass is an option for each of its fields.

The first line of the docstring is the help of the verb, and its section `Args` that of the options.
"""

import argparse
import ast
import dataclasses
import importlib
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from mosforge.core.values import explain

RULES: Mapping[str, tuple[str, ...]] = {
    "sources": ("fetch_source", "catalogue_shard", "catalogue", "screen", "leaks"),
    "distortions": ("distort",),
    "metrics": ("score", "score_dataset"),
    "pmos": ("fuse", "diagnose", "validate"),
    "pretraining": ("fetch_weights", "pack_shard", "index_packs", "pretrain"),
    "finetuning": ("label_proxy", "dataset", "contents", "split", "split_across", "pack_dataset", "finetune"),
    "evaluation": ("predict", "features", "probe", "brisque", "compare", "correlate", "sanity"),
    "report": ("table", "page"),
}
"""The rules of each stage, in the order in which images flow."""

Job = Callable[..., int | None]


def job_of(stage: str, rule: str) -> Job:
    """The function that a rule runs; its module is imported."""
    job: Job = getattr(importlib.import_module(f"mosforge.{stage}.{rule}"), rule)
    return job


def summary_of(stage: str, rule: str) -> str:
    """The first line of a job's docstring, read without importing the module."""
    tree = ast.parse((Path(__file__).parent / stage / f"{rule}.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == rule)
    return (ast.get_docstring(next(functions)) or "").partition("\n")[0]


def add_options(parser: argparse.ArgumentParser, job: Job) -> None:
    """Adds the options that a job's signature asks for."""
    for option in options_of(job):
        several = typing.get_origin(option.kind) is list
        adapter: TypeAdapter[Any] = TypeAdapter(typing.get_args(option.kind)[0] if several else option.kind)
        is_settings = isinstance(option.kind, type) and issubclass(option.kind, BaseModel)
        parser.add_argument(
            f"--{option.name}",
            type=_converter(adapter, is_json=is_settings),
            required=option.required,
            default=option.default,
            metavar=option.metavar,
            help=option.about.replace("%", "%%"),
            **({"nargs": "*", "action": "extend"} if several else {}),
        )


def run(job: Job, arguments: argparse.Namespace) -> int | None:
    """Calls a job with the options of its signature.

    Returns:
        The job's exit status; None stands for 0.
    """
    values: dict[str, Any] = {}
    for name, kind in _hints(job).items():
        if dataclasses.is_dataclass(kind):
            fields = {field: getattr(arguments, field) for field in _hints(kind)}
            values[name] = typing.cast(Any, kind)(**fields)
        else:
            values[name] = getattr(arguments, name)
    return job(**values)


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a job: its name, type and default, and what its docstring says of it."""

    name: str
    kind: Any
    required: bool
    default: Any
    about: str

    @property
    def metavar(self) -> str:
        """What stands for a value in the help."""
        return _metavar(self.kind)


def options_of(job: Any) -> Iterator[Option]:
    """The options of a job, or of a dataclass: its parameters, those that are dataclasses field by field."""
    hints, helps = _hints(job), _helps(job)
    for name, parameter in inspect.signature(job).parameters.items():
        if dataclasses.is_dataclass(hints[name]):
            yield from options_of(hints[name])
        else:
            required = parameter.default is parameter.empty
            default = None if required else parameter.default
            yield Option(name, hints[name], required, default, helps.get(name, ""))


def _hints(job: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(job, include_extras=True)
    return {name: hints[name] for name in inspect.signature(job).parameters}


def _helps(job: Any) -> dict[str, str]:
    """What the docstring says of each parameter or field."""
    text = inspect.getdoc(job) or ""
    section = re.search(r"^(?:Args|Attributes):\n((?:[ ]+.*\n?|\n)+)", text, re.MULTILINE)
    found = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", section[1] if section else "", re.MULTILINE)
    return {name: " ".join(about.split()) for name, about in found}


def _converter(adapter: "TypeAdapter[Any]", *, is_json: bool) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return adapter.validate_python(json.loads(text) if is_json else text)
        except json.JSONDecodeError as error:
            raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
        except ValidationError as error:
            place = "" if is_json else f"{text!r}: "
            raise argparse.ArgumentTypeError(f"{place}{explain(error)}") from None

    return convert


def _metavar(kind: Any) -> str:
    """What stands for a value in the help of an option."""
    inner = [part for part in typing.get_args(kind) if part is not types.NoneType]
    origin = typing.get_origin(kind)
    if origin is Literal:
        return "{" + ",".join(map(str, inner)) + "}"
    if kind is bool:
        return "{0,1}"
    if inner:
        return _metavar(inner[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "JSON"
    return {Path: "PATH", int: "N"}.get(kind, "TEXT")
