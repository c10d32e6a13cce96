"""The commands of the stage `finetuning` for people."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from mosforge.core.rows import format_rows
from mosforge.finetuning.about import about
from mosforge.finetuning.registry import layout_of, missing
from mosforge.finetuning.settings import DatasetSettings
from mosforge.options import add_config, add_directory, add_verb, load_config

if TYPE_CHECKING:
    from mosforge.core.tables import Frame


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verb `check`."""
    check = add_verb(verbs, "check", _check, "describe a target dataset, or say what is missing")
    check.add_argument("dataset", help="name in finetuning.datasets")
    add_config(check)
    add_directory(check)


def _check(arguments: argparse.Namespace) -> int:
    from mosforge.config.files import entry_of
    from mosforge.finetuning.dataset import load

    name, config = arguments.dataset, load_config(arguments)
    entry = entry_of(config.finetuning.datasets, "finetuning.datasets", name)
    if entry.layout == "proxy":
        print(f"{name}: the workflow makes this dataset itself; its scores are not human ones")
        return 0
    cfg = DatasetSettings(**entry.plain(without=("corpus", "splits")))
    if problem := missing(cfg):
        print(f"{name}: {problem}")
        return 1
    dataset = load(name, cfg)
    found = describe(name, dataset, cfg)
    if config.sources.leakage.guard:
        found |= describe_contents(dataset, config.sources.leakage.correlation)
    rows = [{"item": key, "found": value} for key, value in found.items()]
    sys.stdout.write(format_rows(rows, ("item", "found"), "table"))
    return 0


def describe_contents(dataset: "Frame", correlation: float) -> dict[str, object]:
    """Which images of a dataset show the same scene, by the words for it; every image is read.

    Args:
        dataset: what `load` returned.
        correlation: of the pixels of two images, from which on they show the same.

    Raises:
        UnreadableImageError: an image is damaged.
    """
    from mosforge.content.matching import find_pairs_within, undistorted_images
    from mosforge.core.parallel import available_threads
    from mosforge.finetuning.contents import group_contents
    from mosforge.finetuning.split import divide

    pairs = find_pairs_within(undistorted_images(dataset), correlation, available_threads())
    contents = group_contents(dataset, pairs)
    sizes = contents.groupby("content")["reference"].nunique()
    found: dict[str, object] = {
        "contents_found": len(sizes),
        "in_several": f"{sizes[sizes > 1].sum()} of {sizes.sum()} contents share {(sizes > 1).sum()} scenes",
    }
    if len(pairs):
        alike = pairs.sort_values("correlation", kind="stable").iloc[-1]
        found["most_alike"] = f"{alike['image']} and {alike['other']} ({alike['correlation']:.3f})"
    if {"train", "test"} <= set(dataset["part"].dropna()) and dataset["part"].notna().all():
        split = divide(dataset.merge(contents[["image", "content"]], on="image"), "official", 1.0, 0.0)
        tests = split[split["part"] == "test"]
        found["trained_on"] = (
            f"{(~tests['clean']).sum()} of {len(tests)} test images of the official split show a scene "
            "that is trained on"
        )
    return found


def describe(name: str, dataset: "Frame", cfg: DatasetSettings) -> dict[str, object]:
    """What was found in a dataset, by the words for it.

    Args:
        name: the dataset's name in the configuration.
        dataset: what `load` returned.
        cfg: what it was loaded from.
    """
    parts = dataset["part"].dropna().value_counts()
    split = ", ".join(f"{part} {parts[part]}" for part in ("train", "validation", "test") if part in parts)
    return {
        "dataset": name,
        "images": len(dataset),
        "contents": int(dataset["reference"].nunique()),
        "unit": about(cfg).unit,
        "direction": "higher is better" if layout_of(cfg).higher_is_better else "lower is better",
        "lowest": float(dataset["mos"].min()),
        "highest": float(dataset["mos"].max()),
        "official_split": split or "none",
        "licence": about(cfg).licence,
    }
