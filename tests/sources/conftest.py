"""Images that the tests of this stage share."""

import pytest
from PIL import Image

from mosforge.sources.fetch_source import packaged_image

PACKAGED = {
    "astronaut": "skimage/data/astronaut.png",
    "chelsea": "skimage/data/chelsea.png",
    "china": "sklearn/datasets/images/china.jpg",
    "coffee": "skimage/data/coffee.png",
    "flower": "sklearn/datasets/images/flower.jpg",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "rocket": "skimage/data/rocket.jpg",
}


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Names and paths of images from installed packages."""
    pytest.importorskip("skimage")
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("images")
    for name, packaged in PACKAGED.items():
        Image.fromarray(packaged_image(packaged)).save(folder / f"{name}.png")
    return [(name, str(folder / f"{name}.png")) for name in PACKAGED]
