"""Images that the tests of this stage share."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from mosforge.core.files import sha256_of_file
from mosforge.core.images import Pixels
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.tables import write_table


@pytest.fixture(scope="session")
def coffee() -> Pixels:
    """An image of 400x300 pixels."""
    return np.ascontiguousarray(data.coffee()[40:340, 60:460])


@pytest.fixture(scope="session")
def chelsea() -> Pixels:
    """An image of 451x300 pixels, whose sides are no powers of two."""
    return np.ascontiguousarray(data.chelsea())


@pytest.fixture
def catalogue(tmp_path: Path, coffee: Pixels, chelsea: Pixels) -> Path:
    """A catalogue of four images on disk, three in the first block; two names differ only in the folder."""
    images = {
        "a/one.png": coffee[:170, :200],
        "b/one.png": chelsea[:170, :200],
        "two words (1).jpg": coffee[100:, 100:],
        "Ümlaut.png": chelsea[100:280, 100:300],
    }
    rows = []
    for place, (image_id, pixels) in enumerate(images.items()):
        path = tmp_path / "images" / image_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        height, width = pixels.shape[:2]
        rows.append(("garden", image_id, path.as_posix(), sha256_of_file(path), width, height, place // 3))
    frame = pd.DataFrame(rows, columns=["source", "image_id", "path", "sha256", "width", "height", "shard"])
    table = tmp_path / "garden.parquet"
    write_table(table, CATALOGUE, frame.assign(format="PNG", mode="RGB"), stage="sources", cfg={})
    return table
