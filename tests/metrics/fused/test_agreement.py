"""The engine `fused` agrees with piq in float64: at all sizes, and on extreme and flat images."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import piq
import pytest
import torch
from oracle import assert_agrees, noisy, scene, sum_of_shifts

from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import METRICS
from mosforge.metrics import score

FSIM = METRICS.index("fsim")

# Square and the smallest; one scale of MS-SSIM odd after the other; primes; a factor of 2, 3 and 5, with and
# without remainder; halves that round to even (384: 2, 640: 2); portraits; sides with large prime factors.
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


def noise(shape: tuple[int, ...], seed: int) -> Pixels:
    """Nothing but noise."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def one_pixel_more(image: Pixels) -> Pixels:
    """One sample off by the least that uint8 can tell."""
    changed = image.copy()
    changed[image.shape[0] // 3, image.shape[1] // 2, 1] ^= 1
    return changed


def colour(shape: tuple[int, ...], red: int, green: int, blue: int) -> Pixels:
    """A flat image."""
    return np.broadcast_to(np.array([red, green, blue], np.uint8), shape).copy()


def saturated(image: Pixels) -> Pixels:
    """Each sample 0 or 255."""
    return np.where(image > 127, 255, 0).astype(np.uint8)


def grey(image: Pixels) -> Pixels:
    """The same without colour."""
    return np.repeat(image.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)


def extreme_pairs(shape: tuple[int, ...]) -> dict[str, tuple[Pixels, Pixels]]:
    """Reference and distorted image by name, without flat ones."""
    image = scene(*shape[:2])
    return {
        "identical": (image, image),
        "one least bit in one sample": (image, one_pixel_more(image)),
        "one least bit in all": (image, image ^ 1),
        "grey": (image, grey(image)),
        "grey reference": (grey(image), image),
        "two grey": (grey(image), noisy(grey(image), 20)),
        "inverted": (image, 255 - image),
        "noise for a scene": (image, noise(image.shape, 1)),
        "noise for noise": (noise(image.shape, 1), noise(image.shape, 2)),
        "saturated": (image, saturated(image)),
        "both saturated": (saturated(image), saturated(255 - image)),
        "very dark": (image // 64, image // 32),
    }


def flat_pairs(shape: tuple[int, ...]) -> dict[str, tuple[Pixels, Pixels]]:
    """Pairs with a flat image, by name."""
    image, middle = scene(*shape[:2]), colour(shape, 137, 137, 137)
    red = colour(shape, 200, 31, 77)
    patch = red.copy()
    patch[40:60, 70:90] += 50
    return {
        "flat for a scene": (image, middle),
        "scene for flat": (middle, image),
        "white": (image, colour(shape, 255, 255, 255)),
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


def test_the_oracle_convolves_as_torch_does() -> None:
    x = torch.rand(1, 3, 20, 23, dtype=torch.float64)
    kernel = piq.functional.gaussian_filter(11, 1.5, dtype=torch.float64).repeat(3, 1, 1, 1)
    expected = torch.nn.functional.conv2d(x, kernel, groups=3)
    torch.testing.assert_close(sum_of_shifts(x, weight=kernel), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("height", "width"), SMALL_SIZES)
def test_fused_agrees_at_small_sizes(height: int, width: int) -> None:
    image = scene(height, width)
    assert_agrees(image, noisy(image, 25))


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_fused_agrees_at_every_size(height: int, width: int) -> None:
    image = scene(height, width)
    assert_agrees(image, noisy(image, 25))


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


@pytest.mark.parametrize("name", some_slow(flat_pairs((161, 161, 3)), "one pixel off flat"))
def test_fused_agrees_on_flat_images_where_piq_is_exact(name: str) -> None:
    """At lengths of factors 2 and 3, piq's transform of a constant has no rounding errors."""
    assert_agrees(*flat_pairs((192, 192, 3))[name])


@pytest.mark.parametrize("name", some_slow(flat_pairs((161, 161, 3)), "white", "two colours"))
def test_fused_agrees_on_flat_images_elsewhere_but_for_fsim(name: str) -> None:
    """At other lengths piq's FSIM divides one rounding error by another; the other five still agree."""
    assert_agrees(*flat_pairs((161, 163, 3))[name], skip=FSIM)


@pytest.mark.parametrize("shape", [(161, 163, 3), (192, 192, 3), (192, 200, 3)])
def test_fsim_of_flat_images_is_that_of_exact_arithmetic(shape: tuple[int, ...]) -> None:
    """Whether piq's is (192x192) or not: eq. 4 to 11 with a phase congruency of 1, the gradients of the
    padded border, and the chroma of two constants."""
    x, y = colour(shape, 200, 31, 77), colour(shape, 90, 120, 60)
    x_yiq, y_yiq = (
        piq.functional.rgb2yiq(torch.from_numpy(image).permute(2, 0, 1)[None].double()) for image in (x, y)
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


@pytest.mark.parametrize(
    ("scale", "shape"),
    [
        (1, (321, 330)),  # piq by itself: 1
        (2, (163, 251)),  # 1; odd sides
        pytest.param(2, (640, 650), marks=pytest.mark.slow),  # 2
        pytest.param(3, (640, 650), marks=pytest.mark.slow),  # 2, the authors' MATLAB: 3
        pytest.param(1, (515, 520), marks=pytest.mark.slow),  # 2
        (4, (165, 171)),  # 1
        (8, (161, 170)),  # 1; the largest scale at the smallest side
    ],
)
def test_fused_agrees_at_a_fixed_scale(scale: int, shape: tuple[int, int]) -> None:
    image = scene(*shape)
    assert_agrees(image, noisy(image, 25), scale=scale)
