"""A page about one picture: its score on a scale, beside rated pictures, and a map of its crops' scores."""

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import matplotlib as mpl
import numpy as np
from PIL import Image

from mosforge.core.images import Pixels
from mosforge.models.crops import Boxes, Floats
from mosforge.scoring.examples import Example
from mosforge.scoring.scorer import CropScores

_COLOURS = "viridis"
_LONGEST_SIDE = 1024
_SIDE_OF_EXAMPLES = 220


@dataclass(frozen=True)
class _Shown:
    """A picture on the page: a data URI, and its place on the scale in per cent."""

    uri: str
    place: float
    score: float


def page(name: str, scored: CropScores, card: dict[str, Any], examples: Sequence[Example]) -> str:
    """The page: one HTML file that refers to nothing outside itself.

    Args:
        name: what to call the picture.
        scored: the picture and the scores of its crops.
        card: of the model.
        examples: rated pictures, from the worst to the best.
    """
    values = map_of(scored.pixels.shape[:2], scored.boxes, scored.size, scored.qualities)
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
        picture=_uri(scored.pixels, _LONGEST_SIDE),
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
            _Shown(_uri(one.pixels, _SIDE_OF_EXAMPLES), 100 * one.quality, one.score) for one in examples
        ],
    )


def map_of(shape: tuple[int, ...], boxes: Boxes, size: int, qualities: Floats) -> Floats:
    """The mean quality of the crops that cover each pixel, shape `shape`; NaN where none does."""
    total, count = np.zeros(shape), np.zeros(shape)
    for (top, left), quality in zip(boxes, qualities, strict=True):
        place = np.s_[top : top + size, left : left + size]
        total[place] += quality
        count[place] += 1
    mean: Floats = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    return mean


def _coloured(values: Floats, low: float, high: float) -> Pixels:
    """Values as RGBA; what is not a number is transparent."""
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
