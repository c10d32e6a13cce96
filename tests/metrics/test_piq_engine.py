"""The engine `piq` is piq, on the CPU with SSIM in float32."""

import numpy as np
import pytest
from oracle import noisy, oracle, scene

from mosforge.core.errors import MosforgeError
from mosforge.metrics import score


@pytest.mark.parametrize("scale", ["auto", 3])
def test_the_engine_piq_is_piq(scale: str | int) -> None:
    reference = scene(165, 180)
    distorted = [noisy(reference, 20), 255 - reference]
    got = score(reference, distorted, engine="piq", threads=2, device="cpu", scale=scale)
    want = np.stack([oracle(reference, image, scale) for image in distorted])
    np.testing.assert_allclose(
        got, want, rtol=0, atol=5e-5
    )  # Pillow's luma differs in a pixel here and there


def test_a_device_that_is_not_there_is_refused() -> None:
    reference = scene(165, 180)
    with pytest.raises(MosforgeError, match="--device cuda:77: not available"):
        score(reference, [reference], engine="piq", device="cuda:77")
