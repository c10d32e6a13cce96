"""A corpus that fine-tunings rehearse."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from skimage import data

from mosforge.core.packs import write_pack
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import write_table


@pytest.fixture(scope="session")
def write_levels() -> Callable[[Path], None]:
    """Writes the labels and packs of a corpus: three images, blurred at two levels and as they are."""
    return _write_levels


def _write_levels(folder: Path) -> None:
    images, rows = [], []
    pixels = Image.fromarray(data.chelsea())
    for i in range(3):
        for level in range(3):
            path = f"{folder}/{i} {level}.png"
            image = pixels.crop((90 * i, 50, 90 * i + 90, 130)).filter(ImageFilter.GaussianBlur(level))
            images.append((path, np.asarray(image)))
            group, number = ("gaussian_blur", level) if level else (UNDISTORTED, 1)
            rows.append((f"{i}.png", group, number, (level - 1) % 3, path, 1 - 0.4 * level))
    frame = pd.DataFrame(rows, columns=["image_id", "group", "level", "class_index", "path", "pmos"])
    frame = frame.astype({"level": "Int8", "class_index": "Int16"}).assign(**dict.fromkeys(METRICS, 0.5))
    frame = frame.assign(source="cats", reference="r.png", labels=None, seed=0, agreement=0.0)
    write_table(folder / "labels.parquet", LABELS, frame, stage="test", cfg={})
    write_pack(folder / "levels.parquet", folder / "levels.pixels", images, stage="test", cfg={})
