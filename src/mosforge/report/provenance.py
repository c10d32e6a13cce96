"""What was run: versions, sources, the sizes of corpora, and the time of every rule."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from mosforge import __version__
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
from mosforge.core.stamps import read_stamp
from mosforge.plan import layout
from mosforge.report.artefacts import read_if_there

STAGES: Mapping[str, tuple[str, ...]] = {
    "sources": ("fetch_source", "catalogue", "screen", "leaks"),
    "distortions": ("distort",),
    "metrics": ("score", "score_dataset"),
    "pmos": ("fuse", "diagnose", "validate"),
    "pretraining": ("fetch_weights", "pack_shard", "index_packs", "pretrain", "pretrain_authentic"),
    "finetuning": ("label_proxy", "dataset", "split", "pack_dataset", "finetune"),
    "evaluation": ("predict", "brisque", "compare", "correlate"),
    "report": ("table", "page"),
}
"""The rules with jobs of their own, in the order in which data flows."""

_LIBRARIES = ("torch", "torchvision", "timm", "piq", "numpy", "scipy", "pandas", "pillow", "snakemake")


@dataclass(frozen=True)
class Source:
    """A source of photographs.

    Attributes:
        name: in the configuration.
        photographs: how many can be used; None where the catalogue is not there.
        digest: of their bytes.
        excluded: files that were set aside, with the reason.
        compared: target datasets that the leakage guard compared it with.
        leaks: photographs that it left out, each with the dataset and the picture that it shows; None where
            what it found is not there.
    """

    name: str
    photographs: int | None
    digest: str
    excluded: tuple[tuple[str, str], ...]
    compared: tuple[str, ...] = ()
    leaks: tuple[tuple[str, str, str], ...] | None = ()


@dataclass(frozen=True)
class Target:
    """A target dataset as it was used; digests are empty where its files are not there."""

    name: str
    pictures: int
    scores: str
    pixels: str


@dataclass(frozen=True)
class RuleTime:
    """What the jobs of one rule took together, and what they ran on."""

    rule: str
    jobs: int
    seconds: float
    longest: float
    memory: float
    devices: str


def versions(results: Path) -> list[tuple[str, str]]:
    """Versions by name: of the package that made the results, then of what wrote this page.

    Results may come from another machine. They record the package that made them, and no library: the
    versions of Python and of the libraries that numbers depend on are those of this process.
    """
    rows = [("mosforge of the results", ", ".join(_recorded(results)) or "not told")]
    rows += [("mosforge of this page", __version__), ("Python of this page", platform.python_version())]
    for name in _LIBRARIES:
        try:
            rows.append((f"{name} of this page", metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return rows


def _recorded(results: Path) -> list[str]:
    """Versions of the package that the stamps of labels, trainings and evaluations tell."""
    patterns = ("pmos/**/*.parquet", "*/**/history.parquet", "evaluation/**/*.parquet")
    found = set()
    for path in {path for pattern in patterns for path in results.glob(pattern)}:
        try:
            found.add(str(read_stamp(path)["version"]))
        except MosforgeError:  # nothing of ours; what the page shows is read with an error elsewhere
            continue
    return sorted(found)


def read_source(results: Path, name: str, compared: Sequence[str] = ()) -> Source:
    """Counts a source's photographs and lists those that were set aside or left out, with the reason."""
    catalogue = read_if_there(layout.below(results, layout.CATALOGUE, source=name), CATALOGUE)
    excluded = read_if_there(layout.below(results, layout.EXCLUDED, source=name), EXCLUDED)
    pairs = () if excluded is None else tuple(zip(excluded["image_id"], excluded["reason"], strict=True))
    if catalogue is None:
        return Source(name, None, "", pairs)
    leaks = _leaks(results, name) if compared else ()
    return Source(
        name, len(catalogue), digest(sorted(catalogue["sha256"]), 12), pairs, tuple(compared), leaks
    )


def _leaks(results: Path, source: str) -> tuple[tuple[str, str, str], ...] | None:
    found = read_if_there(layout.below(results, layout.LEAKS, source=source), LEAKS)
    if found is None:
        return None
    return tuple(zip(*(found[column] for column in ("image_id", "dataset", "image")), strict=True))


def read_target(results: Path, name: str) -> Target:
    """Counts a target dataset's pictures, and digests its scores and its pixels."""
    dataset = read_if_there(layout.below(results, layout.DATASET, dataset=name), DATASET)
    pack = read_if_there(layout.below(results, layout.PACK_OF_DATASET, dataset=name), PACK)
    scores = "" if dataset is None else digest(sorted(zip(dataset["image"], dataset["mos"], strict=True)), 12)
    pixels = "" if pack is None else digest(sorted(pack["sha256"]), 12)
    return Target(name, 0 if dataset is None else len(dataset), scores, pixels)


def read_benchmarks(results: Path, devices: Mapping[str, str]) -> list[RuleTime]:
    """Adds up Snakemake's benchmark files, `benchmarks/RULE/....tsv`, by rule, in the order of the stages.

    Each file tells of one job's last run that came to its end. So a job that ran again counts once; of a
    training that was stopped and gone on with, the last part alone counts; and jobs that the configuration
    asked for in an earlier run in this folder, but no longer does, still count.

    Args:
        results: the folder of results.
        devices: what a rule ran on, where it is known and may be something else than the CPU.
    """
    folder = results / "benchmarks"
    jobs: dict[str, list[pd.DataFrame]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        if (rows := _benchmark(path)) is not None:
            jobs.setdefault(rule, []).append(rows)
    order = [rule for rules in STAGES.values() for rule in rules]
    return [
        _rule_time(rule, pd.concat(jobs[rule]), devices.get(rule, "CPU"))
        for rule in [*order, *(rule for rule in jobs if rule not in order)]
        if rule in jobs
    ]


def _benchmark(path: Path) -> pd.DataFrame | None:
    """The rows of a benchmark file; None of one whose writing by Snakemake was cut short."""
    try:
        rows = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    except pd.errors.EmptyDataError:
        return None
    whole = {"s", "max_rss"} <= set(rows.columns) and len(rows) and rows["s"].notna().all()
    return rows if whole else None


def _rule_time(rule: str, rows: pd.DataFrame, devices: str) -> RuleTime:
    seconds = rows["s"].astype(float)
    memory = rows["max_rss"].astype(float).max()
    return RuleTime(rule, len(rows), float(seconds.sum()), float(seconds.max()), float(memory), devices)


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The configuration as (`section.key`, value) in its own order."""
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{name}.")
        else:
            yield name, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == {} else str(value)


def duration(seconds: float) -> str:
    """A time for people: `4.2 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
