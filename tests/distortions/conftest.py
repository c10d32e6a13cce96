"""Photographs that the tests of this stage share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mosforge.core.files import sha256_of_file
from mosforge.core.images import Pixels
from mosforge.distortions.photograph import Photograph


@pytest.fixture(scope="session")
def coffee() -> Pixels:
    """A photograph of 400x300 pixels."""
    return np.ascontiguousarray(data.coffee()[40:340, 60:460])


@pytest.fixture(scope="session")
def chelsea() -> Pixels:
    """A photograph of 451x300 pixels, whose sides are no powers of two."""
    return np.ascontiguousarray(data.chelsea())


@pytest.fixture
def catalogued(tmp_path: Path, coffee: Pixels, chelsea: Pixels) -> list[Photograph]:
    """Four photographs on disk; two differ only in their folder."""
    pictures = {
        "a/one.png": coffee[:170, :200],
        "b/one.png": chelsea[:170, :200],
        "two words (1).jpg": coffee[100:, 100:],
        "Ümlaut.png": chelsea[100:280, 100:300],
    }
    photographs = []
    for image_id, pixels in pictures.items():
        path = tmp_path / "photographs" / image_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        photographs.append(Photograph("garden", image_id, path.as_posix(), sha256_of_file(path)))
    return photographs
