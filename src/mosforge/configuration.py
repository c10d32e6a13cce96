"""The configuration: merging its files, and telling in one sentence what is wrong with it."""

import difflib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import BRISQUE
from mosforge.models.objectives import LOSSES, corpus_and_objective

Config = dict[str, Any]

DEFAULT = Path("config.yaml")
SCHEMA = Path("workflow/schemas/config.schema.yaml")

# JSON takes 3.0 for an integer, Python's `range` does not
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)

OBJECTIVES = tuple(LOSSES)

INITIALISATIONS = ("imagenet", *OBJECTIVES)


def load_config(overlays: Iterable[Path] | None = None) -> Config:
    """`config.yaml` of the working directory with other files laid over it, as Snakemake does.

    Mappings are merged key by key; anything else, lists among it, is replaced. Where there is no
    `config.yaml`, the other files are all; where the workflow is, the whole is checked as it does.

    Raises:
        MosforgeError: a file is missing or no configuration; or see `check_config`.
    """
    config: Config = {}
    over = list(overlays or [])
    for path in [DEFAULT, *over] if DEFAULT.exists() or not over else over:
        config = _merged(config, _read(path))
    if DEFAULT.exists() and SCHEMA.exists():
        check_config(config, SCHEMA)
    return config


def _read(path: Path) -> Config:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MosforgeError(
            f"{path}: no such configuration; run this where config.yaml is, or name one with --config"
        ) from None
    except UnicodeDecodeError:
        raise MosforgeError(f"{path}: not a text file in UTF-8; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise MosforgeError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise MosforgeError(f"{path}: not a mapping of keys to values")
    return content


def _merged(base: Config, over: Mapping[str, Any]) -> Config:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def entry_of(config: Config, section: str, name: str) -> Config:
    """The entry `name` of a section such as `finetuning.datasets`, or an error that names those there are."""
    entries: Any = config
    for key in section.split("."):
        entries = entries.get(key) if isinstance(entries, Mapping) else None
    if not isinstance(entries, Mapping):
        raise MosforgeError(f"the configuration has no section {section}; run this where config.yaml is")
    if name not in entries:
        raise MosforgeError(f"{name!r} is not in {section}; there are {', '.join(entries)}")
    entry: Config = entries[name]
    if not isinstance(entry, Mapping):
        raise MosforgeError(f"{section}.{name}: {entry!r} is not a mapping of keys to values")
    return entry


def check_config(config: Config, schema_file: Path) -> None:
    """Refuses a configuration with an unknown key, a wrong type or an impossible value.

    Args:
        config: the merged configuration.
        schema_file: its JSON schema, in YAML.

    Raises:
        MosforgeError: one sentence that names the key.
    """
    schema = yaml.safe_load(schema_file.read_text(encoding="utf-8"))
    errors = sorted(_Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise MosforgeError("configuration: " + _sentence(errors[0]))
    for problem in _contradictions(config):
        raise MosforgeError("configuration: " + problem)


def _sentence(error: ValidationError) -> str:
    if error.validator in ("anyOf", "oneOf") and error.context:
        # Of the alternatives, the one that came farthest tells most.
        deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
        if len(deepest.absolute_path) > len(error.absolute_path) or len(error.context) == 1:
            return _sentence(deepest)
    key = ".".join(map(str, error.absolute_path))
    schema: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = list(schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        return f"unknown key {f'{key}.{unknown}' if key else unknown!r}{_suggestion(str(unknown), known)}"
    if error.validator == "pattern" and "propertyNames" in error.absolute_schema_path:
        return f"{key}: {error.instance!r} cannot be a name; use small letters, digits and _"
    if error.validator == "required":
        return f"{key or 'the top level'}: {error.message}"
    told = schema.get("description")
    if told:
        return f"{key}: {error.instance!r} is not {told}"
    return f"{key}: {error.message}"


def _suggestion(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known keys here are {', '.join(known)}"


def _contradictions(config: Config) -> Iterable[str]:
    collections, datasets = config["sources"]["collections"], config["finetuning"]["datasets"]
    corpora, backbones = config["distortions"]["corpora"], config["pretraining"]["backbones"]
    for name, entry in collections.items():
        if "dataset" in entry:
            key, dataset = f"sources.collections.{name}.dataset", entry["dataset"]
            yield from _unknown(key, [dataset], datasets)
            if dataset in datasets and datasets[dataset]["layout"] == "proxy":
                yield (
                    f"{key}: {dataset!r} is a proxy, whose pictures cannot be counted before they are made; "
                    "name a dataset with human scores"
                )
    for name, entry in corpora.items():
        yield from _unknown(f"distortions.corpora.{name}.sources", entry["sources"], collections)
    for name, entry in datasets.items():
        yield from _unknown(f"finetuning.datasets.{name}.corpus", [entry["corpus"]], corpora)
        if entry["layout"] == "table":
            lowest, highest = entry["range"]
            if not (lowest < highest and math.isfinite(highest - lowest)):
                yield (
                    f"finetuning.datasets.{name}.range: [{lowest:g}, {highest:g}] must be the lowest, then "
                    "the highest possible score"
                )
        splits = list(map(str, entry.get("splits", [])))
        if len(set(splits)) < len(splits):
            yield f"finetuning.datasets.{name}.splits: one split is named twice, as a number and as text"
        if "full" in splits:
            yield (
                f"finetuning.datasets.{name}.splits: 'full' leaves nothing to test on; leave it out, since "
                "experiments with across: true use it by themselves"
            )
        if entry["layout"] == "proxy":
            yield from _unknown(f"finetuning.datasets.{name}.pictures", [entry["pictures"]], corpora)
    for name, entry in config["evaluation"]["experiments"].items():
        key = f"evaluation.experiments.{name}"
        yield from _unknown(f"{key}.datasets", entry["datasets"], datasets)
        yield from _unknown(f"{key}.backbones", entry["backbones"], backbones)
        learnt_from = [*corpora, *config["pretraining"]["unified"]]
        named = [f"{corpus}-{objective}" for corpus in learnt_from for objective in OBJECTIVES]
        yield from _unknown(f"{key}.initialisations", entry["initialisations"], [*INITIALISATIONS, *named])
        untrained = [metric for metric in entry.get("comparisons", []) if metric != BRISQUE]
        if entry.get("across") and untrained:
            yield (
                f"{key}.comparisons: {untrained[0]} is not trained on any dataset; across datasets {BRISQUE} "
                "alone can be compared"
            )
    yield from _contradictions_of_pmos(config)
    yield from _contradictions_of_pretraining(config)
    lowest, highest = config["distortions"]["authentic"]["types_per_image"]
    if lowest > highest:
        yield f"distortions.authentic.types_per_image: {lowest} is more than {highest}"
    splits = config["finetuning"]["splits"]
    if splits["validation"] >= 1:
        yield "finetuning.splits.validation: a share of the training part must be below 1"


def _contradictions_of_pmos(config: Config) -> Iterable[str]:
    key, pmos = "pmos.logistic.dataset", config["pmos"]
    name, allowed = pmos["logistic"]["dataset"], pmos["logistic"]["allow_evaluated"]
    if name is not None:
        yield from _unknown(key, [name], config["finetuning"]["datasets"])
    if pmos["fusion"] != "logistic":
        return
    if name is None:
        yield f"{key}: the fusion logistic needs the name of a dataset with human scores"
    for experiment, entry in config["evaluation"]["experiments"].items():
        if name in entry["datasets"] and not allowed:
            yield (
                f"{key}: {name!r} is evaluated on by the experiment {experiment}, and its scores would shape "
                "the labels; name another dataset, or set pmos.logistic.allow_evaluated to true"
            )


def _contradictions_of_pretraining(config: Config) -> Iterable[str]:
    pretraining, corpora = config["pretraining"], config["distortions"]["corpora"]
    if 0 < pretraining["resize"] < pretraining["crop"]:
        yield f"pretraining.crop: {pretraining['crop']} is larger than pretraining.resize"
    mixtures = [name for name, entry in corpora.items() if entry["kind"] == "authentic"]
    others = [name for name in corpora if name not in mixtures]
    for name, pair in pretraining["unified"].items():
        key = f"pretraining.unified.{name}"
        if name in corpora:
            yield f"{key}: there is a corpus of this name; take another"
        yield from _unknown(f"{key}.synthetic", [pair["synthetic"]], others)
        yield from _unknown(f"{key}.authentic", [pair["authentic"]], mixtures)
    for name, entry in config["evaluation"]["experiments"].items():
        key = f"evaluation.experiments.{name}"
        if pretraining["multi_level"] and entry["datasets"] and "alexnet" in entry["backbones"]:
            yield f"{key}.backbones: alexnet has no stages for pretraining.multi_level; leave one of them out"
        for dataset in entry["datasets"]:
            for initialisation in entry["initialisations"]:
                yield from _impossible(config, key, dataset, initialisation, mixtures)


def _impossible(
    config: Config, key: str, dataset: str, initialisation: str, mixtures: list[str]
) -> Iterable[str]:
    """Why a dataset cannot have a pretraining: mixtures have no levels, and must be of its own pictures."""
    corpus, objective = corpus_and_objective(initialisation)
    corpus = corpus or config["finetuning"]["datasets"][dataset]["corpus"]
    mixed = config["pretraining"]["unified"].get(corpus, {}).get("authentic", corpus)
    if initialisation == "imagenet" or mixed not in mixtures:
        return
    if objective == "rank":
        yield (
            f"{key}.initialisations: {initialisation!r} learns the order of levels, and the mixtures of "
            f"{mixed!r} have none"
        )
    collections = config["sources"]["collections"]
    made_from = [
        collections[name].get("dataset") for name in config["distortions"]["corpora"][mixed]["sources"]
    ]
    if dataset not in made_from:
        yield (
            f"{key}.initialisations: {initialisation!r} learns from the dataset's own training part, and the "
            f"sources of {mixed!r} are not made from {dataset!r}"
        )


def _unknown(key: str, names: Iterable[str], known: Iterable[str]) -> Iterable[str]:
    known = list(known)
    for name in names:
        if name not in known:
            yield f"{key}: {name!r} is not configured{_suggestion(name, known)}"
