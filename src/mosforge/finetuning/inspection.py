"""`mosforge finetuning check`: what is found in a target dataset, and what is wrong with it."""

import math
from collections.abc import Iterable, Sequence

from tqdm import tqdm

from mosforge.content.matching import find_pairs_within, undistorted_images
from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.images import read_rgb
from mosforge.core.parallel import available_threads, map_in_order
from mosforge.core.runs import FEWEST_TESTED
from mosforge.core.tables import Frame
from mosforge.core.words import plural
from mosforge.finetuning.about import about
from mosforge.finetuning.contents import group_contents
from mosforge.finetuning.registry import layout_of
from mosforge.finetuning.settings import DatasetSettings
from mosforge.finetuning.split import divide

CHANGES_NO_RESULT = "words for people"

Facts = dict[str, object]
"""What was found, by the words for it."""

Size = tuple[int, int]
"""Width and height."""


def inspect(
    name: str,
    dataset: Frame,
    cfg: DatasetSettings,
    splits: Sequence[str],
    train: float,
    validation: float,
    correlation: float | None,
) -> tuple[Facts, list[str]]:
    """Reads a target dataset with all its images.

    Args:
        name: the dataset's name in the configuration.
        dataset: what `dataset.load` returned.
        cfg: what it was loaded from.
        splits: names of the splits that are to be tested.
        train: share of the contents that random splits train on.
        validation: share of the training contents that chooses the epoch.
        correlation: of the pixels of two images, from which on they show the same; None: none are compared.

    Returns:
        What was found, and a sentence for everything that would stop a run.
    """
    found = describe(name, dataset, cfg)
    references = dataset["reference_path"].dropna().tolist()
    sizes, problems = read_sizes([*dataset["path"], *references])
    found["with_reference_image"] = f"{len(references)} of {len(dataset)} images"
    other = _of_another_size(dataset, sizes)
    if other:
        found["of_another_size"] = (
            f"{len(other)} of {len(references)} images differ in size from their reference image, such as "
            f"{other[0]}; the full-reference metrics leave them out"
        )
    pixels = sum(math.prod(sizes[path]) for path in dataset["path"] if path in sizes)
    found["pack"] = f"{3 * pixels:,} bytes"
    if dataset["mos"].nunique() == 1:
        problems.append(f"{name}: all scores are {dataset['mos'].iloc[0]:g}, so that nothing can be learnt")
    if problems:
        return found, problems
    rows = dataset.assign(content=dataset["reference"])
    if correlation is not None:
        more, rows = _contents(dataset, correlation)
        found |= more
    tested, untested = describe_splits(rows, splits, train, validation)
    found["splits"] = "; ".join(tested) or "none can be tested"
    if untested:
        found["left_out"] = "; ".join(untested)
    return found, [] if tested else [f"{name}: no split can be tested: {untested[0]}"]


def read_sizes(paths: Iterable[str]) -> tuple[dict[str, Size], list[str]]:
    """Decodes images, with a bar on a terminal.

    Returns:
        The size of each image that is whole, and a sentence about each that is not.
    """
    different = list(dict.fromkeys(paths))
    read = map_in_order(_read_size, different, available_threads())
    seen = zip(different, tqdm(read, total=len(different), unit="image", disable=None), strict=True)
    results = dict(seen)
    sizes = {path: size for path, size in results.items() if not isinstance(size, str)}
    return sizes, [problem for problem in results.values() if isinstance(problem, str)]


def _read_size(path: str) -> Size | str:
    try:
        height, width = read_rgb(path).shape[:2]
    except UnreadableImageError as error:
        return str(error)
    return width, height


def _of_another_size(dataset: Frame, sizes: dict[str, Size]) -> list[str]:
    """Images that differ in size from their reference image, each with both sizes."""
    pairs = dataset[dataset["reference_path"].notna()]
    pairs = pairs[pairs["path"].isin(list(sizes)) & pairs["reference_path"].isin(list(sizes))]
    return [
        "{} ({}x{} against {}x{})".format(image, *sizes[path], *sizes[reference])
        for image, path, reference in zip(pairs["image"], pairs["path"], pairs["reference_path"], strict=True)
        if sizes[path] != sizes[reference]
    ]


def describe_splits(
    rows: Frame, splits: Sequence[str], train: float, validation: float
) -> tuple[list[str], list[str]]:
    """Whether the splits of a dataset can be tested.

    Args:
        rows: of the dataset, with their `content`.
        splits: their names.
        train: share of the contents that random splits train on.
        validation: share of the training contents that chooses the epoch.

    Returns:
        The parts of each split that can be tested, and why the others cannot be.
    """
    tested, untested = [], []
    for name in splits:
        try:
            split = divide(rows, name, train, validation)
        except MosforgeError as error:
            untested.append(str(error))
            continue
        scores = rows.loc[rows["image"].isin(split.loc[split["part"] == "test", "image"]), "mos"]
        if len(scores) < FEWEST_TESTED:
            untested.append(f"split {name}: {len(scores)} image to test on, where {FEWEST_TESTED} are needed")
        elif scores.nunique() == 1:
            untested.append(f"split {name}: all images to test on have the same score")
        else:
            tested.append(f"{name}: {_sizes_of_parts(split)}")
    return tested, untested


def _sizes_of_parts(rows: Frame) -> str:
    counts = rows["part"].value_counts()
    return ", ".join(f"{part} {counts[part]}" for part in ("train", "validation", "test") if part in counts)


def _contents(dataset: Frame, correlation: float) -> tuple[Facts, Frame]:
    """Which images of a dataset show the same scene; every image is read.

    Args:
        dataset: what `load` returned.
        correlation: of the pixels of two images, from which on they show the same.

    Returns:
        What was found by the words for it, and the rows of the dataset with their `content`.
    """
    pairs = find_pairs_within(undistorted_images(dataset), correlation, available_threads())
    contents = group_contents(dataset, pairs)
    rows = dataset.merge(contents[["image", "content"]], on="image")
    sizes = contents.groupby("content")["reference"].nunique()
    scenes = (sizes > 1).sum()
    shared = f" ({plural(scenes, 'scene')})" if scenes else ""
    found: Facts = {
        "contents_found": len(sizes),
        "in_several": f"{sizes[sizes > 1].sum()} of {sizes.sum()} contents show the scene of another{shared}",
    }
    if len(pairs):
        alike = pairs.sort_values("correlation", kind="stable").iloc[-1]
        found["most_alike"] = f"{alike['image']} and {alike['other']} ({alike['correlation']:.3f})"
    if {"train", "test"} <= set(dataset["part"].dropna()) and dataset["part"].notna().all():
        split = divide(rows, "official", 1.0, 0.0)
        tests = split[split["part"] == "test"]
        found["trained_on"] = (
            f"{(~tests['clean']).sum()} of {len(tests)} test images of the official split show a scene "
            "that is trained on"
        )
    return found, rows


def describe(name: str, dataset: Frame, cfg: DatasetSettings) -> dict[str, object]:
    """What was found in a dataset, by the words for it.

    Args:
        name: the dataset's name in the configuration.
        dataset: what `load` returned.
        cfg: what it was loaded from.
    """
    return {
        "dataset": name,
        "images": len(dataset),
        "contents": int(dataset["reference"].nunique()),
        "unit": about(cfg).unit,
        "direction": "higher is better" if layout_of(cfg).higher_is_better else "lower is better",
        "lowest": float(dataset["mos"].min()),
        "highest": float(dataset["mos"].max()),
        "official_split": _sizes_of_parts(dataset) or "none",
        "licence": about(cfg).licence,
    }
