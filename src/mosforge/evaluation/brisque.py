"""The rule `brisque`: the 36 features of BRISQUE (Mittal et al., IEEE TIP 21(12), 2012).

The rule `compare` makes scores of them. piq's own score needs a file of weights that it downloads, fitted to
LIVE; here only its features are used.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

# piq has no public name for the features: its pinned version is what makes this import safe
from piq.brisque import _natural_scene_statistics, _scale_features
from piq.functional import imresize, rgb2yiq
from pydantic import PositiveInt
from tqdm import tqdm

from mosforge.core.images import Pixels
from mosforge.core.packs import Pack, locate
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.targets import BRISQUE_FEATURES
from mosforge.core.tables import read_table, write_table
from mosforge.models.threads import start_threads

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

_SCALES = 2
_WINDOW = 7
"""Side of the window that piq takes local means over, in pixels."""


def brisque(dataset: Path, pack: Path, *, output: Path, threads: PositiveInt = 1) -> None:
    """Computes the features of BRISQUE of a dataset's images.

    Args:
        dataset: the table of the dataset (artefact `dataset`).
        pack: index of its pack (artefact `pack`).
        output: the features of each image, Parquet (artefact `brisque`).
        threads: images that are worked on at the same time.

    Raises:
        MosforgeError: an image is not in the pack.
    """
    rows = locate(read_table(dataset, DATASET), read_table(pack, PACK))
    found = features_of(Pack(rows).images(), len(rows), threads)
    undefined = sum(row is None for row in found)
    log.info("%s: %d images, %d of them without features", output, len(rows), undefined)
    columns = {"image": rows["image"].tolist(), "features": found}
    write_table(output, BRISQUE_FEATURES, columns, stage="evaluation", cfg={})


def features_of(images: Iterable[Pixels], count: int, threads: int) -> list[Floats | None]:
    """The `features` of several images, in order; each image has one thread, however many there are."""
    found = map_in_order(features, images, threads, start=start_threads)
    return list(tqdm(found, total=count, disable=None, unit="image"))


def features(pixels: Pixels) -> Floats | None:
    """The 36 features of an image, scaled to [-1, 1] as their authors scale them, shape (36,).

    Args:
        pixels: uint8 RGB, shape (height, width, 3).

    Returns:
        None where they are not defined: a black image, one whose neighbouring pixels all agree in sign, or
        one with a side under 14 pixels, which at half its size is smaller than the window of 7 pixels.
    """
    if min(pixels.shape[:2]) < _WINDOW * 2 ** (_SCALES - 1):
        return None
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    luma = torch.round(rgb2yiq(image)[:, :1])
    found = []
    try:
        for _ in range(_SCALES):
            found.append(_natural_scene_statistics(luma))
            luma = imresize(luma, sizes=(luma.shape[2] // 2, luma.shape[3] // 2))
    except AssertionError:
        return None
    values: Floats = _scale_features(torch.cat(found, dim=-1))[0].double().numpy()
    return values if np.isfinite(values).all() else None
