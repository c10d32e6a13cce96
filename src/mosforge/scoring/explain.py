"""A page about one image: its score on a scale, beside rated images, and a map of the scores of its crops."""

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import matplotlib as mpl
import numpy as np
from PIL import Image

from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table
from mosforge.models.card import Card
from mosforge.models.crops import Boxes, Floats
from mosforge.scoring.scorer import CropScores

EXAMPLES = 5
"""Rated images on a page."""

_COLOURS = "viridis"
_LONGEST_SIDE = 1024
_EXAMPLE_SIDE = 220


@dataclass(frozen=True)
class Example:
    """A rated image: uint8 RGB pixels, the given quality on [0, 1], and the given score.

    The score is in the unit and the direction of its dataset.
    """

    pixels: Pixels
    quality: float
    score: float


@dataclass(frozen=True)
class _ShownExample:
    """A rated image on the page: a data URI, its place on the scale in per cent, and its given score."""

    uri: str
    place: float
    score: float


def page(name: str, scored: CropScores, card: Card, examples: Sequence[Example]) -> str:
    """The page: one HTML file that refers to nothing outside itself.

    Args:
        name: of the image.
        scored: the image and the scores of its crops.
        card: of the model.
        examples: rated images, from the worst to the best.
    """
    values = score_map(scored.pixels.shape[:2], scored.boxes, scored.qualities)
    low, high = float(scored.qualities.min()), float(scored.qualities.max())
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mosforge.scoring"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("explain.html.j2").render(
        # a name in another encoding than UTF-8 is escaped
        name=os.fsencode(name).decode("utf-8", "backslashreplace"),
        image=_uri(scored.pixels, _LONGEST_SIDE),
        map=_uri(_coloured(values, low, high), _LONGEST_SIDE, lossless=True),
        colours=_uri(_coloured(np.linspace(0, 1, 64)[None], 0.0, 1.0), 64, lossless=True),
        low=low,
        high=high,
        covered=100 * float(np.isfinite(values).mean()),
        crops=len(scored.boxes),
        size=scored.size,
        score=scored.score,
        card=card,
        examples=[
            _ShownExample(_uri(one.pixels, _EXAMPLE_SIDE), 100 * one.quality, one.score) for one in examples
        ],
    )


def score_map(shape: tuple[int, ...], boxes: Boxes, qualities: Floats) -> Floats:
    """The mean quality of the crops that cover each pixel, shape `shape`; NaN where none does."""
    total, count = np.zeros(shape), np.zeros(shape)
    for (top, left, side), quality in zip(boxes, qualities, strict=True):
        place = np.s_[top : top + side, left : left + side]
        total[place] += quality
        count[place] += 1
    mean: Floats = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    return mean


def load_examples(dataset: Path, card: Card, count: int = EXAMPLES) -> list[Example]:
    """Images of known quality of the dataset that a model learned from, from the worst to the best.

    Args:
        dataset: `results/finetuning/DATASET/dataset.parquet`. Where the model's split lies below the same
            folder, the images are of its training part.
        card: of the model.
        count: images at most, spread evenly over the range of given qualities.

    Raises:
        MosforgeError: not such a table, that of another dataset, or none of the chosen images can be read.
    """
    table = read_table(dataset, DATASET)
    learned, name = card.get("dataset"), dataset.resolve().parent.name
    if learned is not None and name != learned:
        raise MosforgeError(
            f"--examples {dataset}: the table of {name}, and the model learned from {learned}; give "
            f"{layout.DATASET.format(dataset=learned)}, or leave it out"
        )
    split = dataset.parent / str(card.get("split", "")) / "split.parquet"
    if split.is_file():
        parts = read_table(split, SPLIT)
        table = table[table["image"].isin(set(parts.loc[parts["part"] == "train", "image"]))]
    found = []
    rows = _spread_over_quality(table, count)
    for path, quality, score in zip(rows["path"], rows["quality"], rows["mos"], strict=True):
        try:
            pixels = read_rgb(_file_of(path, dataset))
        except MosforgeError:
            continue
        found.append(Example(pixels, float(quality), float(score)))
    if not found:
        raise MosforgeError(f"{dataset}: its images are not there; start in the folder that holds results/")
    return found


def _spread_over_quality(table: Frame, count: int) -> Frame:
    """The rows whose qualities are nearest to even steps between the lowest and the highest."""
    ordered = table.sort_values(["quality", "image"])
    qualities = ordered["quality"].to_numpy()
    if len(qualities) == 0:
        return ordered
    steps = np.linspace(qualities[0], qualities[-1], count)
    nearest = np.abs(qualities[None] - steps[:, None]).argmin(axis=1)
    return ordered.iloc[np.unique(nearest)]


def _file_of(path: str, dataset: Path) -> Path:
    """A path of the table: it starts from the folder that holds `results/`, wherever that is now."""
    here = Path(path)
    above = dataset.resolve().parents
    return here if here.exists() or len(above) < 4 else above[3] / path


def _coloured(values: Floats, low: float, high: float) -> Pixels:
    """Values as RGBA; NaN is transparent."""
    position = (values - low) / max(high - low, 1e-9)
    colours: Pixels = mpl.colormaps[_COLOURS](np.ma.masked_invalid(position), bytes=True)
    return colours


def _uri(pixels: Pixels, longest: int, *, lossless: bool = False) -> str:
    """RGB or RGBA pixels as a data URI, scaled down to a longest side."""
    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    kind = "png" if lossless else "jpeg"
    image.save(stream, kind, **({} if lossless else {"quality": 90}))
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
