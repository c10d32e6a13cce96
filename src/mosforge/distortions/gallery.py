"""The gallery: all distortions of one image on a labelled sheet, with a row a type and a column a level."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import load_default as font

from mosforge.core.images import SMALLEST_SIDE, Pixels
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.core.seeds import generator
from mosforge.core.values import Level
from mosforge.distortions.kinds import TYPES, classes_of

_LONGEST = 512
"""The image is first shrunk to this longer side, in pixels, so that a kernel of 199 has its usual effect.
A panorama stays longer, since its shorter side must have room for the distortions and the captions."""
_TILE = (240, 180)
_GAP, _MARGIN, _LABELS, _CAPTION = 10, 24, 190, 22
_PAPER, _INK, _SOFT = (255, 255, 255), (32, 33, 36), (110, 114, 120)


def draw_gallery(pixels: Pixels, levels: Mapping[str, Sequence[Level]], kind: str, seed: int) -> Image.Image:
    """Draws the gallery of an image.

    Args:
        pixels: uint8 RGB, shape (height, width, 3).
        levels: the levels of each type, in the order of the rows.
        kind: the kind of corpus that the types belong to; see `kinds`.
        seed: of the random draws.

    Returns:
        The sheet: the middle of each distorted image, pixel for pixel, above its parameter and class index.
        The original stands above them all, with a class index where undistorted images are a class.
    """
    image = _shrink(pixels)
    classes = [row for row in classes_of(kind, levels) if row.level is not None]
    original = [row for row in classes if row.type == UNDISTORTED]  # which is the first row in any case
    classes = [row for row in classes if row.type != UNDISTORTED]
    types = list(dict.fromkeys(row.type for row in classes))
    columns = max((row.level or 0 for row in classes), default=0)
    tile = (min(_TILE[0], image.shape[1]), min(_TILE[1], image.shape[0]))
    step = (tile[0] + _GAP, tile[1] + _CAPTION + _GAP)
    width = _MARGIN * 2 + _LABELS + max(columns, 2) * step[0] - _GAP
    sheet = Image.new("RGB", (width, _MARGIN * 2 + (len(types) + 1) * step[1] - _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    left, middle = _MARGIN + _LABELS, _MARGIN + tile[1] // 2
    sheet.paste(_middle(image, tile), (left, _MARGIN))
    _row_label(draw, middle, "original", "the image as it is")
    corner = left + step[0] + 8
    draw.text((corner, middle - 6), f"{len(classes)} {kind} distortions", _INK, font(28), anchor="ls")
    about = f"{len(types)} types; a level a column, weakest first"
    draw.text((corner, middle + 22), about, _SOFT, font(16), anchor="ls")
    for i, name in enumerate(types, start=1):
        _row_label(draw, middle + i * step[1], name.replace("_", " "), TYPES[kind][name].parameter)
    for item in original:
        draw.text((left + tile[0], _MARGIN + tile[1] + 4), f"{item.index}", _SOFT, font(14), anchor="ra")
    for item in classes:
        assert item.parameter is not None
        assert item.level is not None
        rng = generator("gallery", seed, item.type, item.level)
        distorted = TYPES[kind][item.type].apply(image, item.parameter, rng)
        x, y = left + (item.level - 1) * step[0], _MARGIN + (types.index(item.type) + 1) * step[1]
        sheet.paste(_middle(distorted, tile), (x, y))
        value = item.parameter
        text = f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"
        draw.text((x, y + tile[1] + 4), text, _INK, font(14))
        draw.text((x + tile[0], y + tile[1] + 4), f"{item.index}", _SOFT, font(14), anchor="ra")
    return sheet


def _shrink(pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels)
    enough = SMALLEST_SIDE * max(image.size) // min(image.size) + 1
    longest = max(_LONGEST, enough)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _middle(pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    height, width = pixels.shape[:2]
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return Image.fromarray(pixels).crop((left, top, left + size[0], top + size[1]))


def _row_label(draw: ImageDraw.ImageDraw, middle: int, title: str, about: str) -> None:
    draw.text((_MARGIN, middle - 4), title, _INK, font(18), anchor="ls")
    draw.text((_MARGIN, middle + 18), about, _SOFT, font(14), anchor="ls")
