"""KADID-10k's 125 classes: made of any pristine images, scored, and with the means of their human scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mosforge.core.images import Pixels, read_rgb
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.seeds import generator
from mosforge.core.tables import Frame
from mosforge.distortions.kinds import KADID25
from mosforge.metrics.engines import make_engine
from mosforge.metrics.pairs import check_reference, score_arrays

PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "gaussian_blur": (0.1, 0.5, 1, 2, 5),
    "lens_blur": (1, 2, 4, 6, 8),
    "motion_blur": (1, 2, 4, 6, 10),
    "color_diffusion": (1, 3, 6, 8, 12),
    "color_shift": (1, 3, 6, 8, 12),
    "color_quantization": (64, 48, 32, 16, 8),
    "saturation_hsv": (0.4, 0.2, 0.1, 0, -0.4),
    "saturation_lab": (1, 2, 3, 6, 9),
    "jpeg2000": (16, 32, 45, 120, 400),
    "jpeg": (43, 36, 24, 7, 4),
    "white_noise": (0.001, 0.002, 0.003, 0.005, 0.01),
    "white_noise_ycbcr": (0.0001, 0.0005, 0.001, 0.002, 0.003),
    "impulse_noise": (0.001, 0.005, 0.01, 0.02, 0.03),
    "multiplicative_noise": (0.001, 0.005, 0.01, 0.02, 0.05),
    "denoise": (0.01, 0.03, 0.05, 0.1, 0.15),
    "brighten": (0.1, 0.2, 0.4, 0.7, 1.1),
    "darken": (0.05, 0.1, 0.2, 0.4, 0.8),
    "mean_shift": (0.15, 0.08, 0, -0.08, -0.15),
    "jitter": (0.05, 0.1, 0.2, 0.5, 1),
    "patches": (20, 40, 60, 80, 100),
    "pixelate": (0.01, 0.05, 0.1, 0.2, 0.5),
    "quantization": (20, 16, 13, 10, 7),
    "color_block": (2, 4, 6, 8, 10),
    "sharpen": (1, 2, 3, 6, 12),
    "contrast": (0.3, 0.15, 0, -0.4, -0.6),
}
"""The levels of the generator that KADID-10k was made with (Lin, Hosu and Saupe, QoMEX 2019), from 1 to 5.
The human means belong to these levels, whatever the configuration says. Corpora of the kind `kadid25` have
others for five types: a published level of three changes no pixel, and those of `mean_shift` and `contrast`
have no order."""

_LONG, _SHORT = 512, 384
"""KADID-10k's images have this size."""


def human_means() -> Frame:
    """The means of the human scores of each class, over KADID-10k's 81 images.

    Returns:
        `type`, `level` (1 to 5) and `quality`: the mean, mapped from 1 to 5 to [0, 1]; higher is better.
    """
    means = pd.read_csv(Path(__file__).parent / "data" / "kadid10k.csv")
    return means[["type", "level"]].assign(quality=(means["mean"] - 1) / 4)


def score_classes(image: Path, scales: Sequence[int], threads: int) -> Frame:
    """Makes the 125 classes of an image, and scores them.

    Args:
        image: a pristine image; of a large one its middle, 512x384 or 384x512 pixels, as KADID-10k's are.
        scales: viewing scales.
        threads: images that are distorted, and then scored, at the same time.

    Returns:
        A row for each scale and class: `image`, `scale`, `type`, `level`, and the six raw scores.

    Raises:
        MosforgeError: the image cannot be read, or a side is under 161 pixels.
    """
    engines = [(scale, make_engine("fused", "cpu", scale)) for scale in scales]
    reference = _middle(read_rgb(image))
    check_reference(reference, str(image))
    classes = [(name, level) for name, levels in PUBLISHED.items() for level in range(1, len(levels) + 1)]

    def distort(name_and_level: tuple[str, int]) -> Pixels:
        name, level = name_and_level
        rng = generator("kadid10k", image.name, name, level)
        return KADID25[name].apply(reference, PUBLISHED[name][level - 1], rng)

    distorted = list(map_in_order(distort, classes, threads))
    tables = []
    for scale, engine in engines:
        scores = score_arrays(engine, reference, distorted, threads)
        table = Frame(classes, columns=["type", "level"]).assign(image=image.name, scale=scale)
        tables.append(table.assign(**dict(zip(METRICS, scores.T, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _middle(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    rows, columns = (_SHORT, _LONG) if width >= height else (_LONG, _SHORT)
    top, left = max(0, height - rows) // 2, max(0, width - columns) // 2
    return np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
