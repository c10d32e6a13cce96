"""The palette of an image against Pillow's median cut."""

import numpy as np
from PIL import Image

from mosforge.core.images import Pixels
from mosforge.distortions.colour import color_dither
from mosforge.distortions.palette import variance_palette


def test_the_palette_beats_median_cut(coffee: Pixels, chelsea: Pixels) -> None:
    for pixels in (coffee[::2, ::2], chelsea[::2, ::2]):
        for colours in (64, 16, 4):
            entries = variance_palette(pixels, colours).astype(float)
            assert len(entries) == colours
            nearest = ((pixels[:, :, None].astype(float) - entries) ** 2).sum(axis=-1).min(axis=-1)
            median_cut = np.asarray(Image.fromarray(pixels).quantize(colours, method=0).convert("RGB"))
            assert nearest.mean() < ((pixels - median_cut.astype(float)) ** 2).sum(axis=-1).mean()


def test_the_palette_of_three_clear_colours_is_these() -> None:
    colours = np.array([[4, 4, 4], [252, 20, 20], [60, 196, 84]], dtype=np.uint8)
    pixels = colours[np.random.default_rng(2).integers(0, 3, (20, 30))]
    assert {*map(tuple, variance_palette(pixels, 8))} == {*map(tuple, colours)}
    assert np.array_equal(color_dither(pixels, 8), pixels)
