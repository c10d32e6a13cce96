"""KADID-10k's classes: the published levels, the human means, and their scores on any threads."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import spearmanr
from skimage import data

from mosforge.calibration import classes
from mosforge.calibration.classes import PUBLISHED, human_means, score_classes
from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import METRICS
from mosforge.distortions.kinds import KADID25
from mosforge.metrics import score

LABELS = Path(__file__).resolve().parents[3] / "shared/data/labels/kadid10k/kadid10k.txt"


def test_there_are_25_types_at_5_levels_in_the_order_of_the_classes() -> None:
    assert list(PUBLISHED) == list(KADID25)
    assert {len(levels) for levels in PUBLISHED.values()} == {5}
    means = human_means()
    assert list(zip(means["type"], means["level"], strict=True)) == [
        (name, level) for name in KADID25 for level in range(1, 6)
    ]
    assert means["quality"].between(0, 1).all()
    falls = means.groupby("type", sort=False)["quality"].agg(lambda values: spearmanr(values, range(5))[0])
    assert (falls[~falls.index.isin(["mean_shift", "contrast"])] < -0.8).all()


def test_the_means_are_those_of_the_official_scores() -> None:
    if not LABELS.exists():
        pytest.skip(f"{LABELS} is not here")
    rows = pd.read_csv(LABELS)
    numbers = rows["dis_img_path"].str.extract(r"_(\d+)_(\d+)\.png").astype(int)
    expected = rows["score"].groupby([numbers[0], numbers[1]]).mean()
    np.testing.assert_allclose(4 * human_means()["quality"] + 1, expected, atol=6e-5)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Only three types."""
    names = ["white_noise", "mean_shift", "color_block"]
    monkeypatch.setattr(classes, "PUBLISHED", {name: PUBLISHED[name] for name in names})
    return names


def saved(path: Path, pixels: Pixels) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def test_every_class_is_scored_at_every_scale(few: list[str], tmp_path: Path) -> None:
    reference = data.astronaut()[:170, :180]
    image = saved(tmp_path / "a.png", reference)
    table = score_classes(image, [1, 2], threads=1)
    assert len(table) == 2 * 3 * 5
    pd.testing.assert_frame_equal(table, score_classes(image, [1, 2], threads=3))
    lighter = KADID25["mean_shift"].apply(reference, 0.15, np.random.default_rng(0))
    for scale in (1, 2):
        rows = table[(table["type"] == "mean_shift") & (table["scale"] == scale)].set_index("level")
        np.testing.assert_array_equal(
            rows.loc[1, list(METRICS)].astype(float), score(reference, [lighter], scale=scale)[0]
        )
        assert rows.loc[3, "ssim"] == 1, "the identity"


def test_of_large_images_the_middle_is_scored(few: list[str], tmp_path: Path) -> None:
    large = np.random.default_rng(0).integers(0, 256, (600, 700, 3)).astype(np.uint8)
    for name, pixels, middle in (
        ("wide.png", large, large[108:492, 94:606]),
        ("tall.png", large[:, :400], large[44:556, 8:392]),
    ):
        assert sorted(middle.shape[:2]) == [384, 512]
        whole = score_classes(saved(tmp_path / name, pixels), [2], 2)
        pd.testing.assert_frame_equal(whole, score_classes(saved(tmp_path / name, middle), [2], 2))
