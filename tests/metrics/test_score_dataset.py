"""The job `score_dataset`: a target dataset in, the scores of what has a usable reference image out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.metrics import score
from mosforge.metrics.score_dataset import score_dataset
from mosforge.metrics.settings import ScoreDatasetSettings

OUTPUT = Path("rated.parquet")
CFG = ScoreDatasetSettings(engine="fused", scale="auto", dataset="rated")


def write_dataset(rows: list[tuple[str, str | None]]) -> Path:
    """A dataset's table of (image, reference image or none)."""
    count = len(rows)
    columns = {
        "image": [Path(path).name for path, _ in rows],
        "path": [path for path, _ in rows],
        "reference": [reference or path for path, reference in rows],
        "reference_path": [reference for _, reference in rows],
        "mos": [float(i) for i in range(count)],
        "quality": [i / 10 for i in range(count)],
    }
    write_table("dataset.parquet", DATASET, pd.DataFrame(columns), stage="finetuning", cfg={})
    return Path("dataset.parquet")


def test_a_dataset_is_scored_against_its_reference_images(
    shard: dict[str, tuple[Pixels, list[Pixels]]],
) -> None:
    dataset = write_dataset(
        [
            ("shard/1-a.png", "references/a.png"),
            ("shard/2-b.png", "references/b.png"),
            ("shard/3-a.png", "references/a.png"),
            ("shard/3-b.png", None),
            ("references/a.png", "references/a.png"),
        ]
    )
    score_dataset(dataset, output=OUTPUT, cfg=CFG)
    table = read_table(OUTPUT, TARGET_SCORES)
    assert read_stamp(OUTPUT)["cfg"] == {"engine": "fused", "scale": "auto", "dataset": "rated"}
    assert table["image"].tolist() == ["1-a.png", "2-b.png", "3-a.png", "a.png"]
    assert table["quality"].tolist() == [0.0, 0.1, 0.2, 0.4]
    assert set(table["dataset"]) == {"rated"}
    reference, (first, _, third) = shard["a.png"]
    expected = score(reference, [first, third, reference], threads=1)
    np.testing.assert_array_equal(table.loc[[0, 2, 3], list(METRICS)], expected)
    lumas = [np.asarray(Image.fromarray(image).convert("L"), float) for image in (reference, first)]
    decibels = peak_signal_noise_ratio(*lumas, data_range=255)
    assert table["psnr"].iloc[0] == pytest.approx(decibels, abs=0.05)
    assert table["psnr"].iloc[3] > 300, "equal images have a finite value"


def test_reference_images_that_are_too_small_are_left_out_with_a_warning(
    shard: object, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(data.astronaut()[:160, :180]).save("references/small.png")
    small: list[tuple[str, str | None]] = [("references/small.png", "references/small.png")]
    for further, kept in (([("shard/1-a.png", "references/a.png")], ["1-a.png"]), ([], [])):
        caplog.clear()
        score_dataset(write_dataset([*small, *further]), output=OUTPUT, cfg=CFG)
        assert read_table(OUTPUT, TARGET_SCORES)["image"].tolist() == kept
        for fact in ("dataset.parquet", f"1 of {1 + len(kept)} images", "references/small.png", "161 pixels"):
            assert fact in caplog.text


def test_images_of_another_size_than_their_reference_image_are_left_out_with_a_warning(
    shard: object, caplog: pytest.LogCaptureFixture
) -> None:
    photo = Image.fromarray(data.astronaut()[:165, :180])
    exif = Image.Exif()
    exif[274] = 6  # the camera was held upright
    photo.transpose(Image.Transpose.ROTATE_90).save("shard/turned.jpg", exif=exif)
    photo.resize((180, 166)).save("shard/one_row_more.png")
    rows = [(f"shard/{name}", "references/a.png") for name in ("1-a.png", "one_row_more.png", "turned.jpg")]
    score_dataset(write_dataset([*rows]), output=OUTPUT, cfg=CFG)
    assert read_table(OUTPUT, TARGET_SCORES)["image"].tolist() == ["1-a.png", "turned.jpg"]
    for fact in ("dataset.parquet", "1 of 3 images", "shard/one_row_more.png and references/a.png"):
        assert fact in caplog.text


def test_a_dataset_without_reference_images_is_refused(shard: object) -> None:
    dataset = write_dataset([("shard/1-a.png", None)])
    with pytest.raises(MosforgeError, match=r"dataset\.parquet: no image of rated has a reference image"):
        score_dataset(dataset, output=OUTPUT, cfg=CFG)
