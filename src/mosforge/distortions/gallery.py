"""The gallery: all distortions of one image on a labelled sheet, with a row a type and a column a level."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mosforge.core.images import SMALLEST_SIDE, Pixels
from mosforge.core.seeds import generator
from mosforge.core.values import Level
from mosforge.distortions.kinds import TYPES, DistortionClass, classes_of

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
    """
    image = _shrink(pixels)
    classes = classes_of(kind, levels)
    rows = {
        name: [row for row in classes if row.type == name and row.level is not None]
        for name in dict.fromkeys(row.type for row in classes)
    }
    columns = max((len(row) for row in rows.values()), default=1)
    tile = (min(_TILE[0], image.shape[1]), min(_TILE[1], image.shape[0]))
    step = (tile[0] + _GAP, tile[1] + _CAPTION + _GAP)
    width = _MARGIN * 2 + _LABELS + max(columns, 2) * step[0] - _GAP
    sheet = Image.new("RGB", (width, _MARGIN * 2 + (len(rows) + 1) * step[1] - _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    left = _MARGIN + _LABELS
    sheet.paste(Image.fromarray(_middle(image, tile)), (left, _MARGIN))
    _row_label(draw, _MARGIN, tile[1], "original", "the image as it is")
    count = sum(map(len, rows.values()))
    _heading(draw, (left + step[0] + 8, _MARGIN), tile[1], kind, count, len(rows))
    for i, (name, row) in enumerate(rows.items(), start=1):
        top = _MARGIN + i * step[1]
        _row_label(draw, top, tile[1], name.replace("_", " "), TYPES[kind][name].parameter)
        for j, item in enumerate(row):
            corner = (left + j * step[0], top)
            sheet.paste(Image.fromarray(_middle(_distorted(image, item, kind, seed), tile)), corner)
            _caption(draw, (corner[0], top + tile[1] + 4), tile[0], item)
    return sheet


def _distorted(image: Pixels, item: DistortionClass, kind: str, seed: int) -> Pixels:
    assert item.parameter is not None
    assert item.level is not None
    rng = generator("gallery", seed, item.type, item.level)
    return TYPES[kind][item.type].apply(image, item.parameter, rng)


def _shrink(pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels)
    enough = SMALLEST_SIDE * max(image.size) // min(image.size) + 1
    longest = max(_LONGEST, enough)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _middle(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    height, width = pixels.shape[:2]
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return np.ascontiguousarray(pixels[top : top + size[1], left : left + size[0]])


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _row_label(draw: ImageDraw.ImageDraw, top: int, height: int, title: str, about: str) -> None:
    middle = top + height // 2
    draw.text((_MARGIN, middle - 4), title, _INK, _font(18), anchor="ls")
    draw.text((_MARGIN, middle + 18), about, _SOFT, _font(14), anchor="ls")


def _heading(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], height: int, kind: str, count: int, types: int
) -> None:
    x, middle = corner[0], corner[1] + height // 2
    draw.text((x, middle - 6), f"{count} {kind} distortions", _INK, _font(28), anchor="ls")
    about = f"{types} types; a level a column, weakest first"
    draw.text((x, middle + 22), about, _SOFT, _font(16), anchor="ls")


def _caption(draw: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, item: DistortionClass) -> None:
    value = item.parameter
    text = f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"
    draw.text(corner, text, _INK, _font(14))
    draw.text((corner[0] + width, corner[1]), f"{item.index}", _SOFT, _font(14), anchor="ra")
