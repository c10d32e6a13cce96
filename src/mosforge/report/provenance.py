"""What was run: sources, target datasets and their contents, versions, and the time of every rule."""

import contextlib
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from mosforge import __version__, jobs
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.core.schemas.datasets import CONTENTS, DATASET, SPLIT
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
from mosforge.core.stamps import read_stamp
from mosforge.core.words import plural
from mosforge.report.artefacts import Artefacts
from mosforge.report.blocks import Block, absent, say, text_table
from mosforge.report.notes import spoiled_splits
from mosforge.report.words import duration, number

RULES = [rule for rules in jobs.RULES.values() for rule in rules]
for _rule, _other in {"pretrain": "pretrain_authentic", "features": "features_on_split"}.items():
    RULES.insert(RULES.index(_rule) + 1, _other)  # the same job for networks that have seen a split
"""The rules with jobs of their own, in the order in which images flow."""

_ON_DEVICE: Mapping[Any, Sequence[str]] = {
    ("pretraining", "history"): ("pretrain", "pretrain_authentic"),
    ("finetuning", "history"): ("finetune",),
    ("evaluation", "features"): ("features", "features_on_split"),
    ("evaluation", "predictions"): ("predict",),
    ("evaluation", "sanity"): ("sanity",),
}
"""Stage and artefact whose stamps name a device -> the rules that write it."""

_LIBRARIES = ("torch", "torchvision", "timm", "piq", "numpy", "scipy", "pandas", "pillow", "snakemake")


def source_blocks(source: str, artefacts: Artefacts) -> Iterator[Block]:
    """The pristine images of a source: used, set aside, and left out by the leakage guard."""
    catalogue = artefacts.read(layout.CATALOGUE, CATALOGUE, source=source)
    if catalogue is None:
        yield absent("no_catalogue", layout.CATALOGUE.format(source=source))
    else:
        yield Block("p", say("catalogue", source, f"{len(catalogue):,}"))
    excluded = artefacts.read(layout.EXCLUDED, EXCLUDED, source=source)
    if excluded is not None:
        rows = text_table(["file", "reason"], excluded[["image_id", "reason"]].to_numpy().tolist())
        yield Block("details", f"{plural(len(excluded), 'pristine image')} of {source} set aside", [rows])
    compared = artefacts.cfg.compared.get(source, ())
    if not compared or catalogue is None:
        return
    if not layout.below(artefacts.results, layout.LEAKS, source=source).exists():
        yield absent("no_leaks", layout.LEAKS.format(source=source))
        return
    leaks = artefacts.read(layout.LEAKS, LEAKS, source=source)
    which = "none shows" if leaks is None else "some show"
    yield Block("p", say("compared", source, ", ".join(compared), which))
    if leaks is not None:
        head = ["pristine image", "dataset", "image of the dataset"]
        rows = text_table(head, leaks[["image_id", "dataset", "image"]].to_numpy().tolist())
        title = say("leaked", plural(leaks["image_id"].nunique(), "pristine image"), source)
        yield Block("details", title, [rows], style="open")


def sources_of(artefacts: Artefacts) -> list[str]:
    """The sources of the corpora that are labelled, and those that the leakage guard looked at."""
    labels = [rows for rows in artefacts.labels.values() if rows is not None]
    found = [name for rows in labels for name in sorted(set(rows["source"]))]
    return list(dict.fromkeys([*found, *artefacts.cfg.compared]))


def left_out_images(artefacts: Artefacts) -> Iterator[str]:
    """A line for each source some of whose pristine images are in no corpus."""
    for source in sources_of(artefacts):
        catalogue = artefacts.read(layout.CATALOGUE, CATALOGUE, source=source)
        usable = 0 if catalogue is None else len(catalogue)
        excluded = artefacts.read(layout.EXCLUDED, EXCLUDED, source=source)
        if excluded is not None:
            yield say(
                "excluded", f"{len(excluded):,}", plural(usable + len(excluded), "pristine image"), source
            )
        leaks = (
            artefacts.read(layout.LEAKS, LEAKS, source=source) if artefacts.cfg.compared.get(source) else None
        )
        if leaks is not None:
            by_dataset = leaks.groupby("dataset")["image_id"].nunique().items()
            shown = ", ".join(f"{dataset} shows {count:,}" for dataset, count in by_dataset)
            usable_images = plural(usable, "usable pristine image")
            yield say("guarded", f"{leaks['image_id'].nunique():,}", usable_images, source, shown)


def content_blocks(artefacts: Artefacts) -> Iterator[Block]:
    """What was found within each target dataset, and the test images of each split that are not clean."""
    for dataset in dict.fromkeys(artefacts.correlations["test_dataset"]):
        found = artefacts.read(layout.CONTENTS, CONTENTS, dataset=dataset)
        if found is not None:
            named, scenes = found["reference"].nunique(), found["content"].nunique()
            sizes = found.groupby("content")["reference"].nunique()
            shared = int(sizes[sizes > 1].sum())
            key = "one_scene_each" if named == scenes else "scenes"
            yield Block("p", say(key, dataset, f"{named:,}", f"{shared:,}", f"{int((sizes > 1).sum()):,}"))
    columns = ["place", "dataset", "test_dataset", "split"]
    for place, train, test, split in spoiled_splits(artefacts.correlations)[columns].to_numpy():
        pattern = layout.SPLIT if train == test else layout.SPLIT_ACROSS
        rows = artefacts.read(pattern, SPLIT, dataset=train, split=split, test_dataset=test)
        if rows is not None:
            yield _test_images(place, rows, is_across=train != test)


def _test_images(place: str, split: pd.DataFrame, *, is_across: bool) -> Block:
    """The test images of a split that are not clean, each with an image of its content that is trained on."""
    images = split[split["clean"].eq(False)].sort_values(["content", "image"])
    title = say("seen_images", place, plural(len(images), "test image"))
    if is_across:
        head, others = "content", images["content"]
    else:
        trained = split[split["part"] != "test"].groupby("content")["image"].first()
        head, others = "an image that is trained on", images["content"].map(trained)
    rows = [list(pair) for pair in zip(images["image"], others, strict=True)]
    return Block("details", title, [text_table(["test image", head], rows)])


def versions(sources: Iterable[str], artefacts: Artefacts) -> Iterator[tuple[str, str]]:
    """Versions of the package that made the results and of what wrote this page, and digests of the data.

    Results may come from another machine. They record the package that made them, and no library: the
    versions of Python and of the libraries that numbers depend on are those of this process.
    """
    made = sorted(set(stamps(artefacts.results)["version"]))
    yield "mosforge of the results", ", ".join(made) or "unknown"
    yield "mosforge of this page", __version__
    yield "Python of this page", platform.python_version()
    installed = {item.name.lower() for item in metadata.distributions()}
    yield from ((f"{name} of this page", metadata.version(name)) for name in _LIBRARIES if name in installed)
    for source in sources:
        if (catalogue := artefacts.read(layout.CATALOGUE, CATALOGUE, source=source)) is not None:
            found = digest(sorted(catalogue["sha256"]), 12)
            yield f"pristine images of {source}", f"digest {found} of the files' SHA-256"
    for target in dict.fromkeys(artefacts.correlations[["dataset", "test_dataset"]].to_numpy().T.ravel()):
        dataset = artefacts.read(layout.DATASET, DATASET, dataset=target)
        pack = artefacts.read(layout.PACK_OF_DATASET, PACK, dataset=target)
        if dataset is not None:
            scores = digest(sorted(zip(dataset["image"], dataset["mos"], strict=True)), 12)
            pixels = "" if pack is None else f", {digest(sorted(pack['sha256']), 12)} of their pixels"
            text = f"{len(dataset):,} images; digest {scores} of their names and scores{pixels}"
            yield f"target dataset {target}", text


def stamps(results: Path) -> pd.DataFrame:
    """Of labels, trainings and evaluations: `stage`, `artefact`, `version` and, if it is known, `device`.

    A file of somebody else is passed over: if the page shows it, reading it is an error elsewhere.
    """
    patterns = ("pmos/**/*.parquet", "*/**/history.parquet", "evaluation/**/*.parquet")
    found = []
    for path in {path for pattern in patterns for path in results.glob(pattern)}:
        with contextlib.suppress(MosforgeError):
            found.append({"device": "", **read_stamp(path), "stage": path.relative_to(results).parts[0]})
    return pd.DataFrame(found, columns=["stage", "artefact", "version", "device"])


def devices(artefacts: Artefacts) -> dict[str, str]:
    """What the jobs of a rule ran on, if it may be something else than the CPU; empty if it is not known."""
    found = {rule: "" for rules in _ON_DEVICE.values() for rule in rules}
    for made, rows in stamps(artefacts.results).groupby(["stage", "artefact"]):
        names = ", ".join(sorted(set(rows["device"]) - {""}))
        found |= dict.fromkeys(_ON_DEVICE.get(made, ()), names)
    metrics: Any = artefacts.cfg.config.get("metrics", {})
    if metrics.get("engine", "fused") != "fused":  # piq takes a GPU if there is one, and does not say so
        found |= {"score": "", "score_dataset": ""}
    return found


def times(results: Path, devices: Mapping[str, str]) -> list[list[str]]:
    """Adds up Snakemake's benchmark files, `benchmarks/RULE/....tsv`, by rule, in the order of the stages.

    Each file holds the last run of a job that came to its end. So a job that ran again counts once; of a
    training that was stopped and resumed, only the last part counts; and jobs that the configuration
    asked for in an earlier run in this folder, but no longer does, still count.

    Returns:
        Rule, number of jobs, their time together, that of the longest, the most memory, and the device.
    """
    folder = results / "benchmarks"
    jobs: dict[str, list[pd.DataFrame]] = {rule: [] for rule in RULES}
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        jobs.setdefault(rule, []).extend(_benchmark(path))
    lines = []
    for rule, tables in jobs.items():
        if tables:
            seconds, memory = (pd.concat(tables)[name].astype(float) for name in ("s", "max_rss"))
            spent = [duration(seconds.sum()), duration(seconds.max())]
            most = "–" if memory.isna().all() else f"{number(memory.max(), 0)} MB"
            lines.append([rule, str(len(seconds)), *spent, most, devices.get(rule, "CPU") or "unknown"])
    return lines


def _benchmark(path: Path) -> list[pd.DataFrame]:
    """The rows of a benchmark file; none if Snakemake did not write all of it."""
    try:
        rows = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    except pd.errors.EmptyDataError:
        return []
    return [rows] if {"s", "max_rss"} <= set(rows.columns) and len(rows) and rows["s"].notna().all() else []
