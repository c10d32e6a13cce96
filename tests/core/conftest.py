"""What the tests share: all artefacts, found in the modules of the schemas, and an image.

A test that asks for `artefact` runs for each of them.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share image_files.py

from mosforge.core import schemas
from mosforge.core.schemas import Artefact

_FOUND = {
    module.name: [
        value
        for value in vars(importlib.import_module(f"{schemas.__name__}.{module.name}")).values()
        if isinstance(value, Artefact)
    ]
    for module in pkgutil.iter_modules(schemas.__path__)
}


@pytest.fixture(scope="session")
def artefacts() -> dict[str, list[Artefact]]:
    """The artefacts that each module declares."""
    return _FOUND


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test with the argument `artefact` once for each of them."""
    if "artefact" in metafunc.fixturenames:
        found = [artefact for module in _FOUND.values() for artefact in module]
        metafunc.parametrize("artefact", found, ids=[artefact.name for artefact in found])


@pytest.fixture(scope="session")
def coffee() -> np.ndarray:
    """An image of 48x32 pixels, uint8 RGB."""
    return np.asarray(Image.fromarray(data.coffee()).resize((48, 32)))
