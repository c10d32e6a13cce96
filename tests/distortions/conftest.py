"""Images that the tests of this stage share."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from mosforge.core.files import sha256_of_file
from mosforge.core.images import Pixels
from mosforge.core.schemas.sources import FILES
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
def files(tmp_path: Path, coffee: Pixels, chelsea: Pixels) -> Path:
    """A shard of four images on disk, two of which differ only in the folder; a fifth is set aside."""
    images = {
        "a/one.png": coffee[:170, :200],
        "b/one.png": chelsea[:170, :200],
        "two words (1).jpg": coffee[100:, 100:],
        "Ümlaut.png": chelsea[100:280, 100:300],
    }
    rows = []
    for image_id, pixels in images.items():
        path = tmp_path / "images" / image_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        height, width = pixels.shape[:2]
        rows.append(("garden", image_id, path.as_posix(), sha256_of_file(path), width, height))
    frame = pd.DataFrame(rows, columns=["source", "image_id", "path", "sha256", "width", "height"])
    frame = frame.assign(format="PNG", mode="RGB", reason=None).astype({"width": "Int32", "height": "Int32"})
    frame.loc[len(frame)] = ("garden", "bad.png", "images/bad.png", *[None] * 5, "not an image")
    table = tmp_path / "garden.parquet"
    write_table(table, FILES, frame, stage="sources", cfg={})
    return table
