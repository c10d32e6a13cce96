"""The viewing scale: piq's own, and one for images of every size."""

import numpy as np
import pytest
from oracle import noisy, scene

from mosforge.core.schemas.metrics import METRICS
from mosforge.metrics import score
from mosforge.metrics.engines import viewing_factor


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(161, 1), (383, 1), (384, 2), (512, 2), (639, 2), (640, 2), (641, 3), (768, 3), (1152, 4), (1153, 5)],
)
def test_the_automatic_factor_rounds_as_piq_does(rows: int, expected: int) -> None:
    assert viewing_factor("auto", rows, 2000) == viewing_factor("auto", 2000, rows) == expected
    assert viewing_factor(3, rows, 2000) == 3


def test_one_row_more_changes_scores_at_the_automatic_scale_only() -> None:
    """At 384 rows piq shrinks by 2, at 383 it does not; the distortion is the same."""
    image = scene(384, 400)
    distorted = noisy(image, 25)

    def change(scale: str | int) -> dict[str, float]:
        tall, short = (
            score(image[:rows], [distorted[:rows]], threads=1, scale=scale)[0] for rows in (384, 383)
        )
        return dict(zip(METRICS, np.abs(tall - short), strict=True))

    automatic, fixed = change("auto"), change(2)
    assert max(fixed.values()) < 0.003
    assert min(automatic[name] for name in ("ssim", "mdsi", "fsim")) > 0.03
    assert max(automatic[name] for name in ("ms_ssim", "gmsd")) < 0.003, "they have scales of their own"
