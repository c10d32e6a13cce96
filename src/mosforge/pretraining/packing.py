"""Packs of distorted pictures: scaled once to the square that training crops from, or whole."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from PIL import Image

from mosforge.core.images import Pixels, read_rgb
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import Frame, read_table


def scaled_pictures(paths: list[str], side: int, threads: int) -> Iterator[tuple[str, Pixels]]:
    """Decodes pictures and scales each to a square (paper, 4.1), a few ahead, in order.

    Args:
        paths: picture files.
        side: side of the square in pixels; 0: the pictures are left as they are.
        threads: decoders.

    Yields:
        The path, and uint8 RGB pixels (side, side, 3), or (height, width, 3).
    """
    yield from zip(paths, map_in_order(partial(scale, side=side), paths, threads), strict=True)


def scale(path: str, side: int) -> Pixels:
    """A picture scaled to a square, with a filter wide enough not to alias; side 0: as it is."""
    pixels = read_rgb(path)
    if not side:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))


def join_indices(files: list[str]) -> Frame:
    """The indices of several packs as one."""
    return pd.concat([read_table(file, PACK) for file in files], ignore_index=True)
