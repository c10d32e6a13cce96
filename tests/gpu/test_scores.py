"""Scores on a GPU: near the CPU's, ranked alike, and the image's own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr
from small_training import ON_CUDA, Trained, images

from mosforge import Scorer
from mosforge.metrics.engines import make_engine
from mosforge.training.setup import Setup

DEVICES = ["cpu", pytest.param("cuda", marks=ON_CUDA)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, trained_on_the_cpu: Trained) -> Path:
    return trained_on_the_cpu.save(tmp_path_factory.mktemp("model"))


def test_bfloat16_scores_differ_little_and_rank_alike(setup: Setup, model: Path) -> None:
    """Every score within .01 of float32's on the CPU, and SROCC .999 between the two."""
    pixels, _ = images()
    expected = [score.quality for score in Scorer(model, device="cpu", threads=1).score_many(pixels)]
    scorer = Scorer(model, device=setup.device, threads=1)
    scorer._network.precision = setup.precision
    found = [score.quality for score in scorer.score_many(pixels)]
    assert found != expected
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert spearmanr(found, expected).statistic > 0.999


@pytest.mark.parametrize("device", DEVICES)
def test_an_image_has_the_same_score_in_any_company(device: str, model: Path, tmp_path: Path) -> None:
    """Alone, among others, in another order, by one thread and by three, as an array and as a file."""
    some = images()[0][:6]
    scorer = Scorer(model, device=device, threads=1)
    alone = [scorer.score(image) for image in some]
    assert list(scorer.score_many(some)) == alone
    assert list(scorer.score_many(some[::-1])) == alone[::-1]
    for place, image in enumerate(some):
        Image.fromarray(image).save(tmp_path / f"{place}.png")
    files = sorted(tmp_path.glob("*.png"))
    assert list(Scorer(model, device=device, threads=3).score_many(files)) == alone


@ON_CUDA
def test_the_engine_piq_agrees_with_fused() -> None:
    """Within 1e-3, for several images in a batch."""
    pytest.importorskip("piq")
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(40, 215, (24, 32, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    distorted = [
        (smooth + rng.normal(0, deviation, smooth.shape)).clip(0, 255).astype(np.uint8)
        for deviation in (2, 8, 32)
    ]
    on_gpu, fused = make_engine("piq", "cuda"), make_engine("fused")
    prepared, ours = on_gpu.prepare(smooth), fused.prepare(smooth)
    expected = np.concatenate([fused.score(lambda: ours, [image]) for image in distorted])
    np.testing.assert_allclose(on_gpu.score(lambda: prepared, distorted), expected, atol=1e-3)
