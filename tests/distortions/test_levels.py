"""A stronger level is a worse image: SSIM falls from level to level, of every type of every kind."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity
from sklearn.datasets import load_sample_image

from mosforge.config.files import load_config
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.schemas.metrics import METRICS
from mosforge.distortions.kinds import TYPES
from mosforge.metrics import score
from mosforge.metrics.engines import viewing_factor
from mosforge.metrics.fused.features import Features, Geometry, Reference
from mosforge.metrics.fused.ssim import ssim_and_ms_ssim

Pair = tuple[Pixels, list[Reference]]  # an image and the references of its three channels

ROOT = Path(__file__).resolve().parents[2]
PRISTINE = ROOT.parent / "shared" / "data" / "pristine" / "bsds500"
LEVELS = {kind: load_config().distortions.levels(kind) for kind in TYPES}
CASES = [(kind, name) for kind, levels in LEVELS.items() for name in levels]
# Number of steps, of 80, at which SSIM may not fall. An image with less contrast than the weakest range is
# stretched by it. A palette of 48 colours can suit an image better than one of 64. A shift beyond the width
# of an edge hurts no more, and less if the texture repeats.
EXCEPTIONS = {
    ("synthetic", "contrast"): 1,
    ("kadid25", "color_quantization"): 1,
    ("kadid25", "color_shift"): 4,
}
# Without bsds500 the twenty are crops of five images. One of them is full of repeating texture, over which
# the SSIM of a shift rises again.
SHIFTS = {("authentic", "chromatic_aberration"), ("kadid25", "color_shift")}
# Types that take a second for each image: usually five of the twenty, and all in the exhaustive tests.
SLOW = [
    *(("synthetic", "gaussian_blur"), ("synthetic", "jpeg2000"), ("kadid25", "jpeg2000")),
    ("kadid25", "denoise"),
]


def levels_of(pixels: Pixels, kind: str, name: str) -> list[Pixels]:
    """The image at each level, weakest first."""
    made = [TYPES[kind][name].apply(pixels, value, np.random.default_rng(1)) for value in LEVELS[kind][name]]
    assert {(image.dtype, image.shape) for image in made} == {(pixels.dtype, pixels.shape)}
    return made


def unchanged(pixels: Pixels) -> Pixels:
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False  # a pure function does not write into its argument
    return pixels


class OfSsim(Features):
    """The maps of an image that SSIM needs, a tenth of all the work; the others stay empty."""

    def fill_colours(self) -> None:
        pass

    fill_pooled = fill_phase = fill_saliency = fill_colours


@cache
def maps(height: int, width: int) -> OfSsim:
    return OfSsim(Geometry(height, width, viewing_factor("auto", height, width)))


def channels(pixels: Pixels) -> list[Pixels]:
    """A grey image of each channel: the metric sees the luma alone, and many types change colours alone."""
    return [np.repeat(pixels[..., index : index + 1], 3, axis=2) for index in range(3)]


def references_of(pixels: Pixels) -> list[Reference]:
    references = [Reference(maps(*pixels.shape[:2]).geometry) for _ in range(3)]
    for reference, channel in zip(references, channels(pixels), strict=True):
        reference.fill(channel)
    return references


def ssim(references: list[Reference], image: Pixels) -> float:
    """piq's SSIM of red, green and blue on average, each as the engine has it."""
    features = maps(*image.shape[:2])
    values = []
    for reference, channel in zip(references, channels(image), strict=True):
        features.fill(channel)
        expected, scale = reference.features.pyramid, features.geometry.ssim_scale
        values.append(ssim_and_ms_ssim(features.pyramid, expected, reference.moments, scale)[0])
    return float(np.mean(values))


@pytest.fixture(scope="module")
def twenty() -> list[Pair]:
    """Images, each large enough for the headers of JPEG2000 at its lowest rate."""
    if PRISTINE.is_dir():
        found = [read_rgb(path) for path in sorted(PRISTINE.glob("*.jpg"))[::25]]
    else:
        packaged = [
            data.astronaut(),
            data.coffee(),
            data.rocket(),
            *map(load_sample_image, ("china.jpg", "flower.jpg")),
        ]
        parts = [
            pixels[top : top + 360, left : left + 370]
            for pixels in packaged
            for top in range(0, pixels.shape[0] - 359, 30)
            for left in range(0, pixels.shape[1] - 369, 130)
        ]
        found = parts[:: len(parts) // 20][:20]
    assert len(found) == 20
    return [(unchanged(pixels), references_of(pixels)) for pixels in found]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_scikit_images_ssim_falls_with_the_level(kind: str, name: str) -> None:
    pixels = unchanged(data.coffee()[20:380, 60:460])
    values = [structural_similarity(pixels, made, channel_axis=2) for made in levels_of(pixels, kind, name)]
    assert (np.diff(values) < 0).all(), values
    assert values[0] < 0.999


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(*case, marks=[pytest.mark.exhaustive] if case in SLOW else []) for case in CASES],
)
def test_ssim_falls_on_twenty_images(kind: str, name: str, twenty: list[Pair]) -> None:
    if (kind, name) in SHIFTS and not PRISTINE.is_dir():
        pytest.skip("a shift needs twenty different images (bsds500), not crops with repeating texture")
    assert_ssim_falls(kind, name, twenty)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), SLOW)
def test_ssim_falls_on_five_images(kind: str, name: str, twenty: list[Pair]) -> None:
    assert_ssim_falls(kind, name, twenty[::4])


def assert_ssim_falls(kind: str, name: str, images: list[Pair]) -> None:
    steps = [
        np.diff([ssim(references, made) for made in levels_of(pixels, kind, name)])
        for pixels, references in images
    ]
    assert (np.concatenate(steps) >= 0).sum() <= EXCEPTIONS.get((kind, name), 0)
    assert (np.mean(steps, axis=0) < 0).all()


def test_this_ssim_is_that_of_the_engine() -> None:
    pixels = unchanged(data.coffee()[20:380, 60:460])
    made = TYPES["synthetic"]["jpeg"].apply(pixels, 12, np.random.default_rng(1))
    found = ssim(references_of(pixels), made)
    pairs = zip(channels(pixels), channels(made), strict=True)
    assert found == np.mean([score(grey, [other])[0, METRICS.index("ssim")] for grey, other in pairs])
