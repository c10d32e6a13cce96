"""Both engines against piq in float64: sizes, extremes, flat pictures; and the promises of `score`."""

import sys
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import piq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from mosforge.core.images import Pixels
from mosforge.core.measures import METRICS
from mosforge.metrics import score

FUNCTIONS = (piq.ssim, piq.multi_scale_ssim, piq.mdsi, piq.vsi, piq.fsim, piq.gmsd)
FSIM = METRICS.index("fsim")

# Square and the smallest; one scale of MS-SSIM odd after the other; primes; a factor of 2, 3 and 5, with and
# without remainder; halves that round to even (384: 2, 640: 2); portraits; awkward transforms.
SMALL_SIZES = [(161, 161), (162, 163), (251, 163)]
SIZES = [
    (163, 251),
    (176, 322),
    (192, 384),
    (384, 512),
    (383, 401),
    (385, 511),
    (321, 481),
    (481, 321),
    (161, 1009),
    (430, 646),
    (480, 640),
    (640, 641),
    (641, 643),
    (768, 1024),
    (1024, 1024),
    (1153, 1164),
    pytest.param(1365, 2048, marks=pytest.mark.exhaustive),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keeps torch from splitting small pictures among threads that then wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sum_of_shifts(x: torch.Tensor, weight: torch.Tensor, **_: object) -> torch.Tensor:
    """The convolution that SSIM needs, one window for all channels; torch's is 25 times slower in float64."""
    size = weight.shape[-1]
    height, width = x.shape[-2] - size + 1, x.shape[-1] - size + 1
    total = torch.zeros(*x.shape[:-2], height, width, dtype=x.dtype)
    for i in range(size):
        for j in range(size):
            total.add_(x[..., i : i + height, j : j + width], alpha=float(weight[0, 0, i, j]))
    return total


def oracle(reference: Pixels, distorted: Pixels) -> np.ndarray:
    """piq's six values in float64."""
    x, y = (
        torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].double() / 255
        for picture in (distorted, reference)
    )
    quick = SimpleNamespace(conv2d=sum_of_shifts, avg_pool2d=torch.nn.functional.avg_pool2d)
    with mock.patch.object(sys.modules["piq.ssim"], "F", quick), torch.inference_mode():
        return np.array([float(function(x, y)) for function in FUNCTIONS])


def photograph(height: int, width: int) -> Pixels:
    """A photograph of that size: the astronaut's, repeated in mirror images."""
    source = data.astronaut()
    tall = np.pad(source, ((0, max(height - 512, 0)), (0, max(width - 512, 0)), (0, 0)), "symmetric")
    return np.ascontiguousarray(tall[:height, :width])


def noisy(picture: Pixels, sigma: float, seed: int = 0) -> Pixels:
    """Gaussian noise, clipped."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def noise(shape: tuple[int, ...], seed: int) -> Pixels:
    """Nothing but noise."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def one_pixel_more(picture: Pixels) -> Pixels:
    """One sample off by the least that uint8 can tell."""
    changed = picture.copy()
    changed[picture.shape[0] // 3, picture.shape[1] // 2, 1] ^= 1
    return changed


def colour(shape: tuple[int, ...], red: int, green: int, blue: int) -> Pixels:
    """A flat picture."""
    return np.broadcast_to(np.array([red, green, blue], np.uint8), shape).copy()


def saturated(picture: Pixels) -> Pixels:
    """Each sample 0 or 255."""
    return np.where(picture > 127, 255, 0).astype(np.uint8)


def grey(picture: Pixels) -> Pixels:
    """The same without colour."""
    return np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)


def extreme_pairs(shape: tuple[int, ...]) -> dict[str, tuple[Pixels, Pixels]]:
    """Reference and distorted picture by name, without flat ones."""
    photo = photograph(*shape[:2])
    return {
        "identical": (photo, photo),
        "one least bit in one sample": (photo, one_pixel_more(photo)),
        "one least bit in all": (photo, photo ^ 1),
        "grey": (photo, grey(photo)),
        "grey reference": (grey(photo), photo),
        "two grey": (grey(photo), noisy(grey(photo), 20)),
        "inverted": (photo, 255 - photo),
        "noise for a photograph": (photo, noise(photo.shape, 1)),
        "noise for noise": (noise(photo.shape, 1), noise(photo.shape, 2)),
        "saturated": (photo, saturated(photo)),
        "both saturated": (saturated(photo), saturated(255 - photo)),
        "very dark": (photo // 64, photo // 32),
    }


def flat_pairs(shape: tuple[int, ...]) -> dict[str, tuple[Pixels, Pixels]]:
    """Pairs with a flat picture, by name."""
    photo, middle = photograph(*shape[:2]), colour(shape, 137, 137, 137)
    red = colour(shape, 200, 31, 77)
    patch = red.copy()
    patch[40:60, 70:90] += 50
    return {
        "flat for a photograph": (photo, middle),
        "photograph for flat": (middle, photo),
        "white": (photo, colour(shape, 255, 255, 255)),
        "equal": (middle, middle),
        "two greys": (middle, colour(shape, 90, 90, 90)),
        "two colours": (red, middle),
        "black and white": (colour(shape, 0, 0, 0), colour(shape, 255, 255, 255)),
        "one pixel off flat": (red, one_pixel_more(red)),
        "a patch off flat": (red, patch),
    }


def some_slow(names: Iterable[str], *quick: str) -> list[Any]:
    """Parameters of a test, all marked slow but `quick`."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def assert_agrees(reference: Pixels, distorted: Pixels, skip: int | None = None) -> None:
    got, want = score(reference, [distorted], threads=1)[0], oracle(reference, distorted)
    kept = [i for i in range(len(METRICS)) if i != skip]
    assert np.all(np.isfinite(got)), dict(zip(METRICS, got, strict=True))
    np.testing.assert_allclose(got[kept], want[kept], rtol=0, atol=1e-4)


def test_the_oracle_convolves_as_torch_does() -> None:
    x = torch.rand(1, 3, 20, 23, dtype=torch.float64)
    kernel = piq.functional.gaussian_filter(11, 1.5, dtype=torch.float64).repeat(3, 1, 1, 1)
    expected = torch.nn.functional.conv2d(x, kernel, groups=3)
    torch.testing.assert_close(sum_of_shifts(x, weight=kernel), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("height", "width"), SMALL_SIZES)
def test_fused_agrees_at_small_sizes(height: int, width: int) -> None:
    photo = photograph(height, width)
    assert_agrees(photo, noisy(photo, 25))


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_fused_agrees_at_every_size(height: int, width: int) -> None:
    photo = photograph(height, width)
    assert_agrees(photo, noisy(photo, 25))


@pytest.mark.parametrize(
    "name",
    some_slow(
        extreme_pairs((161, 161, 3)),
        "identical",
        "one least bit in one sample",
        "inverted",
        "noise for noise",
        "very dark",
    ),
)
def test_fused_agrees_on_extremes(name: str) -> None:
    assert_agrees(*extreme_pairs((161, 171, 3))[name])


USUAL = [(384, 512, 3), (321, 481, 3)]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "name"), list(enumerate(extreme_pairs((161, 161, 3)))))
def test_fused_agrees_on_extremes_at_a_usual_size(place: int, name: str) -> None:
    assert_agrees(*extreme_pairs(USUAL[place % 2])[name])


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("shape", USUAL)
@pytest.mark.parametrize("name", extreme_pairs((161, 161, 3)))
def test_fused_agrees_on_extremes_at_usual_sizes(name: str, shape: tuple[int, ...]) -> None:
    assert_agrees(*extreme_pairs(shape)[name])


def stripes(shape: tuple[int, ...], frequency: float, angle: float, noise_level: float) -> Pixels:
    """Grey stripes of so many cycles a pixel, in noise: hardly anything at low frequencies."""
    down, across = np.mgrid[: shape[0], : shape[1]]
    phase = 2 * np.pi * frequency * (np.cos(angle) * across + np.sin(angle) * down)
    wave = 127 + 100 * np.cos(phase) + np.random.default_rng(0).normal(0, noise_level, shape[:2])
    return np.repeat(np.clip(wave, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("frequency", [0.47, 0.5])
@pytest.mark.parametrize("noise_level", [0, 0.5])
def test_fused_agrees_on_fine_stripes(frequency: float, noise_level: float) -> None:
    """At awkward sizes, coarse wavelets are cut off above what they pass, where stripes lie."""
    shape = (163, 251, 3)
    assert_agrees(stripes(shape, frequency, 0, noise_level), stripes(shape, frequency, 1.5, noise_level))


STRIPES = {
    "shape": st.sampled_from([(163, 251, 3), (167, 222, 3), (321, 171, 3)]),
    "frequency": st.floats(0.2, 0.5),
    "angle": st.floats(0, 1.6),
    "noise_level": st.sampled_from([0.3, 1.0, 3.0, 10.0]),
}


@pytest.mark.slow
@settings(max_examples=12, derandomize=True)
@given(**STRIPES)
def test_some_stripes_agree(
    shape: tuple[int, ...], frequency: float, angle: float, noise_level: float
) -> None:
    assert_agrees_on_stripes(shape, frequency, angle, noise_level)


@pytest.mark.slow
@pytest.mark.exhaustive
@settings(max_examples=60)
@given(**STRIPES)
def test_no_stripes_disagree(
    shape: tuple[int, ...], frequency: float, angle: float, noise_level: float
) -> None:
    assert_agrees_on_stripes(shape, frequency, angle, noise_level)


def assert_agrees_on_stripes(
    shape: tuple[int, ...], frequency: float, angle: float, noise_level: float
) -> None:
    reference = stripes(shape, frequency, angle, noise_level)
    assert_agrees(reference, stripes(shape, frequency, angle + 0.3, 2 * noise_level))


@pytest.mark.parametrize("name", some_slow(flat_pairs((161, 161, 3)), "one pixel off flat"))
def test_fused_agrees_on_flat_pictures_where_piq_is_exact(name: str) -> None:
    """At lengths of factors 2 and 3, piq's transform of a constant has no rounding errors."""
    assert_agrees(*flat_pairs((192, 192, 3))[name])


@pytest.mark.parametrize("name", some_slow(flat_pairs((161, 161, 3)), "white", "two colours"))
def test_fused_agrees_on_flat_pictures_elsewhere_but_for_fsim(name: str) -> None:
    """At other lengths piq's FSIM divides one rounding error by another; the other five still agree."""
    assert_agrees(*flat_pairs((161, 163, 3))[name], skip=FSIM)


@pytest.mark.parametrize("shape", [(161, 163, 3), (192, 192, 3), (192, 200, 3)])
def test_fsim_of_flat_pictures_is_that_of_exact_arithmetic(shape: tuple[int, ...]) -> None:
    """Whether piq's is (192x192) or not: eq. 4 to 11 with a phase congruency of 1, the gradients of the
    padded border, and the chroma of two constants."""
    x, y = colour(shape, 200, 31, 77), colour(shape, 90, 120, 60)
    x_yiq, y_yiq = (
        piq.functional.rgb2yiq(torch.from_numpy(picture).permute(2, 0, 1)[None].double())
        for picture in (x, y)
    )
    scharr = piq.functional.scharr_filter(dtype=torch.float64)
    kernels = torch.stack([scharr, scharr.transpose(-1, -2)])
    edges = piq.functional.similarity_map(
        piq.functional.gradient_map(x_yiq[:, :1], kernels),
        piq.functional.gradient_map(y_yiq[:, :1], kernels),
        160,
    )
    chroma = piq.functional.similarity_map(x_yiq[:, 1:2], y_yiq[:, 1:2], 200)
    chroma = chroma * piq.functional.similarity_map(x_yiq[:, 2:], y_yiq[:, 2:], 200)
    expected = float((edges * chroma.abs() ** 0.03).mean())
    assert score(y, [x], threads=1)[0, FSIM] == pytest.approx(expected, abs=1e-5)


MADE_PICTURES = {
    "height": st.integers(161, 230),
    "width": st.integers(161, 230),
    "seed": st.integers(0, 2**32 - 1),
    "smooth": st.integers(0, 6),
    "strength": st.sampled_from([1, 3, 40, 255]),
}


@pytest.mark.slow
@settings(max_examples=12, derandomize=True)
@given(**MADE_PICTURES)
def test_fused_agrees_on_made_pictures(
    height: int, width: int, seed: int, smooth: int, strength: int
) -> None:
    assert_agrees_on_made_picture(height, width, seed, smooth, strength)


@pytest.mark.slow
@pytest.mark.exhaustive
@settings(max_examples=40)
@given(**MADE_PICTURES)
def test_no_made_picture_disagrees(height: int, width: int, seed: int, smooth: int, strength: int) -> None:
    assert_agrees_on_made_picture(height, width, seed, smooth, strength)


def assert_agrees_on_made_picture(height: int, width: int, seed: int, smooth: int, strength: int) -> None:
    """Coloured noise of any grain and contrast, shifted and clipped."""
    generator = np.random.default_rng(seed)
    grain = 2**smooth
    coarse = generator.normal(0, 1, (-(-height // grain), -(-width // grain), 3))
    field = coarse.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    middle = generator.integers(0, 256, 3)
    reference = np.clip(middle + strength * field, 0, 255).astype(np.uint8)
    distorted = np.clip(
        reference * generator.uniform(0, 2) + generator.normal(0, strength, field.shape), 0, 255
    ).astype(np.uint8)
    constant = any(np.all(p == p[0, 0]) for p in (reference, distorted))
    assert_agrees(reference, distorted, skip=FSIM if constant else None)


def test_piq_engine_is_piq() -> None:
    photo = photograph(165, 180)
    distorted = [noisy(photo, 20), 255 - photo]
    got = score(photo, distorted, engine="piq", threads=2, device="cpu")
    want = np.stack([oracle(photo, picture) for picture in distorted])
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5)
