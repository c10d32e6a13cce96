"""BRISQUE (Mittal et al., 2012): 36 statistics of a picture; `regression` makes scores of them.

piq's own score needs a file of weights that it downloads, fitted to LIVE; here its features alone are used.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch

# piq has no public name for the features: its pinned version is what makes this import safe
from piq.brisque import _natural_scene_statistics, _scale_features
from piq.functional import imresize, rgb2yiq
from tqdm import tqdm

from mosforge.core.images import Pixels
from mosforge.core.parallel import map_in_order

Floats = npt.NDArray[np.float64]

_SCALES = 2
_WINDOW = 7
"""Side of the window that piq takes local means over."""


def features(pixels: Pixels) -> Floats | None:
    """The 36 statistics of a picture, scaled as their authors scale them, shape (36,).

    Returns:
        None where they are not defined: a black picture, one whose neighbours all agree in sign, or one
        with a side under 14 pixels, which at half its size is smaller than the window of 7 pixels.
    """
    if min(pixels.shape[:2]) < _WINDOW * 2 ** (_SCALES - 1):
        return None
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    luma = torch.round(rgb2yiq(picture)[:, :1])
    found = []
    try:
        for _ in range(_SCALES):
            found.append(_natural_scene_statistics(luma))
            luma = imresize(luma, sizes=(luma.shape[2] // 2, luma.shape[3] // 2))
    except AssertionError:
        return None
    values: Floats = _scale_features(torch.cat(found, dim=-1))[0].double().numpy()
    return values if np.isfinite(values).all() else None


def features_of(pictures: Iterable[Pixels], count: int, threads: int) -> list[Floats | None]:
    """`features` of each picture, in order; each is computed by one thread, whatever their number."""
    torch.set_num_threads(1)
    found = map_in_order(features, pictures, threads)
    return list(tqdm(found, total=count, disable=None, unit="picture"))
