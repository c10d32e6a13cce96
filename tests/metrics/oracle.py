"""What the tests of the metrics share: piq in float64 as an oracle, and images."""

import sys
from contextlib import ExitStack
from types import SimpleNamespace
from unittest import mock

import numpy as np
import piq
import torch
from PIL import Image
from skimage import data

from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import METRICS
from mosforge.metrics import score

_OF_LUMA = (piq.ssim, piq.multi_scale_ssim)
_OF_COLOURS = (piq.mdsi, piq.vsi, piq.fsim, piq.gmsd)


def assert_agrees(
    reference: Pixels, distorted: Pixels, skip: int | None = None, scale: str | int = "auto"
) -> None:
    got = score(reference, [distorted], threads=1, scale=scale)[0]
    want = oracle(reference, distorted, scale)
    kept = [i for i in range(len(METRICS)) if i != skip]
    assert np.all(np.isfinite(got)), dict(zip(METRICS, got, strict=True))
    np.testing.assert_allclose(got[kept], want[kept], rtol=0, atol=1e-4)


def oracle(reference: Pixels, distorted: Pixels, scale: str | int = "auto") -> np.ndarray:
    """piq's six values in float64, on one thread: several would wait for each other at small images."""
    x, y = (
        torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].double() / 255
        for image in (distorted, reference)
    )
    grey = [
        torch.from_numpy(np.array(Image.fromarray(np.ascontiguousarray(image)).convert("L")))[None, None]
        / 255
        for image in (distorted, reference)
    ]
    x_luma, y_luma = (plane.double() for plane in grey)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    quick = SimpleNamespace(conv2d=sum_of_shifts, avg_pool2d=torch.nn.functional.avg_pool2d)
    with ExitStack() as patches, torch.inference_mode():
        patches.enter_context(mock.patch.object(sys.modules["piq.ssim"], "F", quick))
        for name in ("ssim", "mdsi", "vsi", "fsim") if scale != "auto" else ():
            module = sys.modules[f"piq.{name}"]
            patches.enter_context(mock.patch.object(module, "round", create=True, return_value=scale))
        of_luma = [float(function(x_luma, y_luma)) for function in _OF_LUMA]
        scores = np.array([*of_luma, *(float(function(x, y)) for function in _OF_COLOURS)])
    torch.set_num_threads(threads)
    return scores


def sum_of_shifts(x: torch.Tensor, weight: torch.Tensor, **_: object) -> torch.Tensor:
    """The convolution that SSIM needs, one window for all channels; torch's is 25 times slower in float64."""
    size = weight.shape[-1]
    height, width = x.shape[-2] - size + 1, x.shape[-1] - size + 1
    total = torch.zeros(*x.shape[:-2], height, width, dtype=x.dtype)
    for i in range(size):
        for j in range(size):
            total.add_(x[..., i : i + height, j : j + width], alpha=float(weight[0, 0, i, j]))
    return total


def scene(height: int, width: int) -> Pixels:
    """An image of that size: the astronaut, repeated in mirror images."""
    source = data.astronaut()
    tall = np.pad(source, ((0, max(height - 512, 0)), (0, max(width - 512, 0)), (0, 0)), "symmetric")
    return np.ascontiguousarray(tall[:height, :width])


def noisy(image: Pixels, sigma: float, seed: int = 0) -> Pixels:
    """Gaussian noise, clipped."""
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)
