"""Scores on a GPU: near the CPU's, ranked alike, and the image's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr

from mosforge import Scorer
from mosforge.metrics.engines import make_engine
from mosforge.training.setup import Setup

ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")
DEVICES = ["cpu", pytest.param("cuda", marks=ON_CUDA)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, trained_on_the_cpu: Any) -> Path:
    return trained_on_the_cpu.save(tmp_path_factory.mktemp("model"))


def test_bfloat16_scores_differ_little_and_rank_alike(small: Any, setup: Setup, model: Path) -> None:
    """Every score within .01 of float32's on the CPU, and SROCC .999 between the two."""
    images, _ = small.images()
    expected = [score.quality for score in Scorer(model, device="cpu", threads=1).score_many(images)]
    scorer = Scorer(model, device=setup.device, threads=1)
    scorer._network.precision = setup.precision
    found = [score.quality for score in scorer.score_many(images)]
    assert found != expected
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert spearmanr(found, expected).statistic > 0.999


@pytest.mark.parametrize("device", DEVICES)
def test_an_image_has_the_same_score_in_any_company(
    small: Any, device: str, model: Path, tmp_path: Path
) -> None:
    """Alone, among others, in another order, by one thread and by three, as an array and as a file."""
    images = small.images()[0][:6]
    scorer = Scorer(model, device=device, threads=1)
    alone = [scorer.score(image) for image in images]
    assert list(scorer.score_many(images)) == alone
    assert list(scorer.score_many(images[::-1])) == alone[::-1]
    for place, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{place}.png")
    files = sorted(tmp_path.glob("*.png"))
    assert list(Scorer(model, device=device, threads=3).score_many(files)) == alone


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=ON_CUDA)])
def test_the_engine_piq_agrees_with_fused(small: Any, device: str) -> None:
    """Within 1e-3, for several images in a batch."""
    pytest.importorskip("piq")
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(40, 215, (24, 32, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    distorted = [
        (smooth + rng.normal(0, deviation, smooth.shape)).clip(0, 255).astype(np.uint8)
        for deviation in (2, 8, 32)
    ]
    on_gpu, fused = make_engine("piq", device), make_engine("fused")
    prepared, ours = on_gpu.prepare(smooth), fused.prepare(smooth)
    expected = np.concatenate([fused.score(lambda: ours, [image]) for image in distorted])
    np.testing.assert_allclose(on_gpu.score(lambda: prepared, distorted), expected, atol=1e-3)
