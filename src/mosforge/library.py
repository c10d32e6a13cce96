"""What other programs do with images in memory, beside scoring them (`scoring.scorer`) and comparing them
(`metrics.score`): distort an image, and find the pseudo-MOS of a pair.

from mosforge import distort, pseudo_mos

worse = distort(image, "jpeg", 3)
print(pseudo_mos(image, [worse], "results/pmos/synthetic.mapping.json"))
"""

import functools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from mosforge.config.contradictions import checked
from mosforge.config.files import PAPERS, read
from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, check_pixels
from mosforge.core.schemas.metrics import orient
from mosforge.core.values import CorpusKind, Level, is_whole
from mosforge.distortions.kinds import level_value, type_of
from mosforge.distortions.render import check_size
from mosforge.metrics import score
from mosforge.pmos.fusion import Floats, map_scores, weigh
from mosforge.pmos.mapping import read_mapping

CHANGES_NO_RESULT = "its functions are for other programs, and no job calls them"


def distort(image: Pixels, type: str, level: int, *, kind: CorpusKind = "synthetic", seed: int = 0) -> Pixels:
    """Distorts an image as the paper's configuration does.

    Args:
        image: uint8 RGB, shape (height, width, 3), both sides at least 161 pixels.
        type: name of a distortion type; `mosforge classes` lists them.
        level: from 1, the weakest.
        kind: `synthetic` (DB-CNN's types), `authentic` (a camera's) or `kadid25` (KADID-10k's): what the
            commands call `--corpus`.
        seed: of the random draws, as in the manifest of a corpus.

    Returns:
        uint8 RGB, the same shape, a new array. JPEG and JPEG2000 images are what a decoder makes of the
        bitstream.

    Raises:
        MosforgeError: not such an image, or there is no such kind, type, level or seed.
    """
    distortion = type_of(kind, type)
    parameter = level_value(_levels(kind), type, level)
    if not (is_whole(seed) and seed >= 0):
        raise MosforgeError(f"seed: {seed!r} is not a whole number from 0")
    check_pixels(image)
    check_size(image, "the image")
    made = distortion.apply(image, parameter, np.random.Generator(np.random.PCG64(seed)))
    return made if made.flags.writeable else made.copy()  # memory of Pillow's is read-only


@functools.cache
def _levels(kind: CorpusKind) -> Mapping[str, tuple[Level, ...]]:
    """The levels of the paper's configuration, which is read once and not for each image."""
    return checked(read(PAPERS)).distortions.levels(kind)


def pseudo_mos(
    reference: Pixels,
    distorted: Iterable[Pixels],
    mapping: str | os.PathLike[str],
    *,
    threads: int | None = None,
) -> Floats:
    """The pseudo-MOS of distorted versions of one reference image, on the scale of a corpus.

    Args:
        reference: uint8 RGB, shape (height, width, 3), both sides at least 161 pixels.
        distorted: such images of the same shape, in a list or another iterable.
        mapping: `results/pmos/CORPUS.mapping.json`: how that corpus' metrics became its labels.
        threads: images that are compared at the same time; by default the CPUs that may be used.

    Returns:
        In [0, 1], higher is better, shape (n,).

    Raises:
        MosforgeError: the file is not such a mapping, or as `mosforge.metrics.score`.
    """
    known = read_mapping(Path(mapping))
    scores = score(reference, distorted, threads=threads, scale=known.scale)
    mean, _ = weigh(map_scores(orient(scores), known.fusion, known.plain()), known.weights)
    return mean
