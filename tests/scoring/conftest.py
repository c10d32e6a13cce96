"""A model with random weights and a few images: enough to see that a score is the image's own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data

from mosforge.models.folder import CARD, save_model
from mosforge.models.heads import MultiTaskHead, ScoreHead, initialise
from mosforge.models.network import Network

CLASSES = ["gaussian_blur 1", "jpeg 2", "white_noise 3", "contrast 4", "overexposure 1"]
FACTS = {
    "backbone": "efficientnet_lite0",
    "crop": 64,
    "test_crops": 5,
    "range": [0.0, 9.0],
    "higher_is_better": True,
}


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(3)
    score, multitask = ScoreHead(1280, 0.5), MultiTaskHead(1280, len(CLASSES))
    for head in (score, multitask):
        last = head.fc2 if isinstance(head, ScoreHead) else head.rfc3
        initialise([last])  # FC 1 starts at zero, and every score at the mean
        head.start_at(0.5)
        last.weight.data *= 0.05  # keeps the scores of random weights within 0 and 1
    save_model(
        folder / "score", Network("efficientnet_lite0", score), {"head": "score", "dropout": 0.5, **FACTS}
    )
    facts = {"head": "multitask", "classes": CLASSES, "label_kind": "single", **FACTS}
    save_model(folder / "multitask", Network("efficientnet_lite0", multitask), facts)
    return folder


@pytest.fixture
def model(templates: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of a model, some facts of its card changed."""

    def copy(head: str = "score", **facts: Any) -> Path:
        folder = tmp_path / f"model {len(list(tmp_path.glob('model *')))}"
        shutil.copytree(templates / head, folder)
        card = json.loads((folder / CARD).read_text()) | facts
        (folder / CARD).write_text(json.dumps(card))
        return folder

    return copy


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four images that can be read."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "sub").mkdir()
    coffee = Image.fromarray(data.coffee()[:100, :140])
    coffee.save(folder / "a coffee.png")
    coffee.save(folder / "b.jpg", quality=20)
    coffee.crop((0, 0, 40, 90)).save(folder / "sub/small.png")
    Image.fromarray(data.chelsea()[50:150, 100:220]).save(folder / "sub/cat [1].png")
    return folder
