"""The gallery: distortions beside their labels and beside people (paper, Fig. 1); outstanding test images."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.report.artefacts import Artefacts, runs_of
from mosforge.report.blocks import Block, say
from mosforge.report.settings import Scale
from mosforge.report.summary import MODEL, of_networks, summarise
from mosforge.report.words import number

SIDE = 256  # pixels of the longest side of what is shown, as a thumbnail and in full size
QUALITY = 90  # of its JPEG: high enough not to be taken for one of the distortions
MOST_MIXTURES = 10  # that are shown of an image

SAME: Mapping[str, frozenset[str]] = {
    "gaussian_blur": frozenset({"Gaussian blur", "blur", "GBLUR"}),
    "white_noise": frozenset({"Additive Gaussian noise", "noise", "AWGN"}),
    "jpeg": frozenset({"JPEG compression", "jpeg", "JPEG"}),
    "jpeg2000": frozenset({"JPEG2000 compression", "jpeg 2000", "JP2K"}),
    "pink_noise": frozenset({"fnoise"}),
    "color_dither": frozenset({"Image color quantization with dither"}),
    "color_quantization": frozenset({"Image color quantization with dither", "Color_Quantization"}),
}
"""What TID2013, CSIQ and KADID-10k call a type of ours; a level has not the same strength in all of them."""


class Thumbnail(NamedTuple):
    """A small image."""

    uri: str  # a JPEG; empty if the file cannot be read
    title: str  # what it shows
    lines: Sequence[str]  # what stands below it
    crop: str = ""  # what opens in full size, if that is another image


def data_uri(path: Path, *, square: bool) -> str:
    """An image as a small JPEG in a data URI, or an empty text if it cannot be read.

    Args:
        path: the image.
        square: the middle square, not scaled, so that fine distortions can be seen; otherwise the whole
            image is scaled.
    """
    try:
        image = Image.fromarray(read_rgb(path))
    except MosforgeError:
        return ""
    if square:
        side = min(image.width, image.height, SIDE)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def distortions(corpus: str, labels: pd.DataFrame, artefacts: Artefacts) -> Iterator[Block]:
    """The most typical image of a corpus in all its distortions; nothing if they were not kept.

    Below its levels of a type stand those of a rated dataset that has the type and the levels too.
    """
    base = artefacts.results.parent
    rows = typical_image(labels, "pmos", ["class_index"], ["source", "image_id"])
    source, image_id = rows[["source", "image_id"]].iloc[0]
    if not any((base / path).exists() for path in rows["path"]):
        return
    rated = dict(_rated(artefacts))
    types = rows[rows["level"].notna()].sort_values("class_index").groupby("group", sort=False)
    strips = [_strip(str(group), *_of_type(str(group), levels, rated, base)) for group, levels in types]
    mixed = rows[rows["level"].isna()].sort_values(["pmos", "path"], ascending=[False, True])
    if len(mixed):
        places = np.linspace(0, len(mixed) - 1, min(len(mixed), MOST_MIXTURES)).round().astype(int)
        shown = _thumbnails(mixed.iloc[places], ["mixture"] * len(places), "pmos", base)
        strips.append(_strip("mixtures", shown))
    yield Block("h3", f"Distortions of {corpus}, with their pseudo-MOS")
    yield Block("p", say("original", image_id, source))
    if any(len(strip.items) > 2 for strip in strips):
        yield Block("p", say("beside_people"))
    pristine = Thumbnail(data_uri(base / rows["reference"].iloc[0], square=True), "the pristine image", [])
    yield _strip("pristine image", Block("images", items=[pristine], style="thumbs"))
    yield from strips


def _strip(name: str, *images: Block) -> Block:
    return Block("div", items=[Block("h4", name.replace("_", " ")), *images], style="strip")


def _of_type(
    group: str, levels: pd.DataFrame, rated: Mapping[str, pd.DataFrame], base: Path
) -> Iterator[Block]:
    """The levels of a type, and typical images of rated datasets at the levels of it that they have too."""
    name = group.replace("_", " ")
    is_distorted = group != UNDISTORTED
    said = [f"level {level}" if is_distorted else name for level in levels["level"]]
    yield _thumbnails(levels, said, "pmos", base, f"{name}, " if is_distorted else "")
    for dataset, images in rated.items():
        same = images[images["distortion_type"].isin(SAME.get(group, ()))]
        if set(same["level"]) & set(levels["level"]):
            theirs = typical_image(same, "quality", ["level"], ["reference"]).drop_duplicates("level")
            theirs = theirs[theirs["level"].isin(levels["level"])].sort_values("level")
            said = [f"{dataset}, level {level}" for level in theirs["level"]]
            yield _thumbnails(theirs, said, "quality", base, f"{name}, ")


def _rated(artefacts: Artefacts) -> Iterator[tuple[str, pd.DataFrame]]:
    """The images of the datasets with human scores that have levels."""
    for dataset in artefacts.cfg.validated:
        images = artefacts.read(layout.DATASET, DATASET, dataset=dataset)
        if images is not None and dataset not in artefacts.cfg.proxies:
            yield dataset, images[images["level"].notna()]


def typical_image(rows: pd.DataFrame, score: str, classes: list[str], image: list[str]) -> pd.DataFrame:
    """The rows of the most typical undistorted image.

    Its scores lie nearest to the medians of their classes, among those with the most distorted images.

    Args:
        rows: distorted images, at least one.
        score: name of their score.
        classes: the columns that are a class.
        image: the columns that identify the undistorted image.
    """
    medians = rows.groupby(classes, dropna=False)[score].transform("median")
    distances = rows.assign(distance=(rows[score] - medians).abs()).groupby(image)["distance"]
    images = distances.agg(["size", "mean"]).reset_index()
    full = images[images["size"] == images["size"].max()]
    chosen = full.sort_values(["mean", *image])[image].iloc[0]
    of_chosen: pd.DataFrame = rows[(rows[image] == chosen).all(axis=1)]
    return of_chosen


def _thumbnails(rows: pd.DataFrame, words: Sequence[str], score: str, base: Path, group: str = "") -> Block:
    """An image a row, with a word and its score below it."""
    items = [
        Thumbnail(data_uri(base / path, square=True), f"{group}{word}", [word, number(value)])
        for path, word, value in zip(rows["path"], words, rows[score], strict=True)
    ]
    return Block("images", items=items, style="thumbs")


def extremes(artefacts: Artefacts) -> Iterator[Block]:
    """The test images of each dataset that stand out, as its best network scores them.

    That is the network of the highest SROCC among those trained within the dataset; if there is none, among
    those that were trained on another.
    """
    rows = of_networks(artefacts.correlations)
    summary = summarise(rows).dropna(subset="srocc").sort_values("srocc", ascending=False, kind="stable")
    for dataset in dict.fromkeys(rows["test_dataset"]):
        candidates = summary[summary["test_dataset"] == dataset]
        within = candidates[candidates["dataset"] == dataset]
        best = (candidates if within.empty else within).head(1)
        tables = [artefacts.predictions(run) for run in runs_of(rows.merge(best[list(MODEL)]))]
        there = [table for table in tables if table is not None]
        if not there:
            continue
        trained_on, backbone = best[["dataset", "backbone"]].iloc[0]
        model = f"{artefacts.name_of(best.iloc[0])}, {backbone}"
        is_proxy = dataset in artefacts.cfg.proxies
        yield Block("h3", f"Test images of {dataset}", is_proxy=is_proxy)
        where = f"{model}, trained on {trained_on}" if within.empty else model
        scale = artefacts.scale(dataset)
        yield Block("p", say("extremes", where, say("lower_is_better") if scale.best < scale.worst else ""))
        if is_proxy:
            yield Block("caveat", say("given_proxy"))
        for title, images in extreme_images(pd.concat(there), artefacts.results.parent, scale).items():
            yield Block("h4", title)
            yield Block("images", items=images, style="thumbs large")


def extreme_images(
    predictions: pd.DataFrame, base: Path, scale: Scale, count: int = 4
) -> dict[str, list[Thumbnail]]:
    """The test images that a model scored highest, lowest, and most wrongly.

    Args:
        predictions: rows of the artefact `predictions` of one model; an image that several splits
            tested counts with its mean prediction.
        base: the folder that relative paths start from.
        scale: of the dataset's scores.
        count: images of each kind.
    """
    images = predictions.groupby(["image", "path"], as_index=False)[["quality", "prediction", "mos"]].mean()
    digits = 2 if scale.span < 20 else 1
    images["predicted"] = scale.of(images["prediction"].to_numpy())
    images["error"] = (images["prediction"] - images["quality"]).abs()
    orders = {"Scored highest": ("prediction", False), "Scored lowest": ("prediction", True)}
    found: dict[str, list[Thumbnail]] = {}
    for title, (column, rising) in (orders | {"Most wrongly scored": ("error", False)}).items():
        for row in images.sort_values([column, "image"], ascending=[rising, True])[:count].to_dict("records"):
            scores = f"predicted {number(row['predicted'], digits)}, given {number(row['mos'], digits)}"
            uri, crop = (data_uri(base / row["path"], square=square) for square in (False, True))
            found.setdefault(title, []).append(Thumbnail(uri, row["image"], [scores, row["image"]], crop))
    return found
