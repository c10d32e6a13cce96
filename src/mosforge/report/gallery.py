"""Pictures on the page: the distortions beside their labels, and the test images that stand out."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb

SIDE = 176
"""Longest side of a thumbnail in pixels."""

QUALITY = 82
"""JPEG quality of the thumbnails: high enough not to be taken for one of the distortions."""


@dataclass(frozen=True)
class Thumbnail:
    """A small picture; `uri` is empty where the file cannot be read."""

    uri: str
    title: str
    score: float


@dataclass(frozen=True)
class TypeRow:
    """All levels of one distortion type."""

    name: str
    levels: tuple[Thumbnail, ...]


@dataclass(frozen=True)
class Distortions:
    """One photograph, undistorted and in all its distortions."""

    image_id: str
    source: str
    original: str
    types: tuple[TypeRow, ...]
    mixtures: tuple[Thumbnail, ...]


@dataclass(frozen=True)
class Example:
    """A test image with both its scores on [0, 1]."""

    uri: str
    image: str
    given: float
    predicted: float


def thumbnail(path: Path, *, square: bool) -> str:
    """A JPEG as a data URI, or an empty text where the picture cannot be read.

    Args:
        path: the picture.
        square: cut the middle square out, at most twice as wide as the thumbnail, so that fine
            distortions survive the scaling; otherwise the whole picture is scaled.
    """
    try:
        image = Image.fromarray(read_rgb(path))
    except MosforgeError:
        return ""
    if square:
        side = min(image.width, image.height, 2 * SIDE)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def distortions(pmos: pd.DataFrame, base: Path, mixtures: int = 12) -> Distortions | None:
    """The most typical photograph of a corpus in all its distortions.

    Typical is the photograph whose labels lie nearest to the medians of their classes, among those that
    have the most pictures.

    Args:
        pmos: the artefact `pmos`.
        base: the folder that relative paths start from.
        mixtures: how many pictures to show of a corpus of mixtures, evenly spread over the labels.

    Returns:
        None where there is nothing to show: no label, or pictures that were not kept.
    """
    if pmos.empty:
        return None
    classes = pmos["class_index"].fillna(-1)
    distance = (pmos["pmos"] - pmos.groupby(classes)["pmos"].transform("median")).abs()
    keys = ["source", "image_id"]
    photographs = pmos.assign(distance=distance).groupby(keys)["distance"].agg(["size", "mean"])
    full = photographs[photographs["size"] == photographs["size"].max()]
    source, image_id = full.reset_index().sort_values(["mean", *keys])[keys].iloc[0]
    rows = pmos[(pmos["source"] == source) & (pmos["image_id"] == image_id)]
    if not any((base / path).exists() for path in rows["path"]):
        return None
    single = rows[rows["level"].notna()].sort_values("class_index")
    mixed = rows[rows["level"].isna()].sort_values(["pmos", "path"], ascending=[False, True])
    if len(mixed) > mixtures:
        mixed = mixed.iloc[[round(i * (len(mixed) - 1) / (mixtures - 1)) for i in range(mixtures)]]
    types = tuple(
        TypeRow(str(group).replace("_", " "), _thumbnails(part, base))
        for group, part in single.groupby("group", sort=False)
    )
    original = thumbnail(base / rows["reference"].iloc[0], square=True)
    return Distortions(str(image_id), str(source), original, types, _thumbnails(mixed, base))


def _thumbnails(rows: pd.DataFrame, base: Path) -> tuple[Thumbnail, ...]:
    titles = ["mixture" if pd.isna(level) else f"level {level}" for level in rows["level"]]
    return tuple(
        Thumbnail(thumbnail(base / path, square=True), title, float(score))
        for path, title, score in zip(rows["path"], titles, rows["pmos"], strict=True)
    )


def examples(predictions: pd.DataFrame, base: Path, count: int = 4) -> dict[str, list[Example]]:
    """The test images that a model scored highest, lowest, and most wrongly.

    Args:
        predictions: rows of the artefact `predictions` of one model; an image that several splits
            tested counts with its mean prediction.
        base: the folder that relative paths start from.
        count: images of each kind.
    """
    images = predictions.groupby(["image", "path"], as_index=False)[["quality", "prediction"]].mean()
    images["error"] = (images["prediction"] - images["quality"]).abs()
    orders = {
        "Scored highest": ("prediction", False),
        "Scored lowest": ("prediction", True),
        "Most wrongly scored": ("error", False),
    }
    return {
        title: _examples(images.sort_values([column, "image"], ascending=[rising, True]).head(count), base)
        for title, (column, rising) in orders.items()
    }


def _examples(images: pd.DataFrame, base: Path) -> list[Example]:
    return [
        Example(thumbnail(base / path, square=False), image, given, predicted)
        for image, path, given, predicted in zip(
            images["image"], images["path"], images["quality"], images["prediction"], strict=True
        )
    ]
