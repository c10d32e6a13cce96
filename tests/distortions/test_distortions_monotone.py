"""A stronger level is a worse picture: scikit-image's SSIM falls from level to level."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from mosforge.configuration import load_config
from mosforge.distortions.authentic import TYPES as AUTHENTIC
from mosforge.distortions.settings import read_levels
from mosforge.distortions.synthetic import TYPES as SYNTHETIC
from mosforge.images import Pixels, read_rgb

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "pristine" / "bsds500"
TABLES = {"synthetic": SYNTHETIC, "authentic": AUTHENTIC}
LEVELS = {kind: read_levels(load_config([ROOT / "config.yaml"]), kind) for kind in TABLES}
CASES = [(kind, name) for kind, levels in LEVELS.items() for name in levels]


def falls(pixels: Pixels, kind: str, name: str) -> list[float]:
    """The SSIM of each level, weakest first."""
    values = []
    for parameter in LEVELS[kind][name]:
        made = TABLES[kind][name].apply(pixels, parameter, np.random.default_rng(1))
        assert made.dtype == np.uint8
        assert made.shape == pixels.shape
        values.append(float(structural_similarity(pixels, made, channel_axis=2)))
    return values


def unchanged(pixels: Pixels) -> Pixels:
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False  # a pure function does not write into its argument
    return pixels


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_ssim_falls_with_the_level(kind: str, name: str) -> None:
    # large enough for the headers of JPEG2000 at its lowest rate
    for pixels in (data.coffee()[20:380, 60:460], data.astronaut()[:370, 80:460]):
        values = falls(unchanged(pixels), kind, name)
        assert (np.diff(values) < 0).all(), values
        assert values[0] < 0.999


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the photographs of bsds500 are not here")
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_ssim_falls_on_twenty_photographs(kind: str, name: str) -> None:
    paths = sorted(PHOTOGRAPHS.glob("*.jpg"))[::25]
    assert len(paths) == 20
    steps = [np.diff(falls(unchanged(read_rgb(path)), kind, name)) for path in paths]
    # A photograph with less contrast than the weakest range is stretched by it: one of the twenty.
    allowed = 1 if (kind, name) == ("synthetic", "contrast") else 0
    assert (np.concatenate(steps) >= 0).sum() <= allowed
    assert (np.mean(steps, axis=0) < 0).all()
