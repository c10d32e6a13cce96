"""Small networks, saved as a training saves them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mosforge.models.folder import CARD, save_model
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network

FACTS = {"backbone": "resnet18", "crop": 64, "test_crops": 3, "range": [0.0, 9.0], "higher_is_better": True}
FACTS_OF_HEAD: dict[str, dict[str, Any]] = {
    "score": {"dropout": 0.5},
    "multitask": {"classes": ["a", "b", "c"], "label_kind": "single"},
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def networks() -> dict[str, Network]:
    torch.manual_seed(1)
    return {
        "score": Network("resnet18", ScoreHead(512, 0.5)),
        "multitask": Network("resnet18", MultiTaskHead(512, 3)),
    }


@pytest.fixture(scope="session")
def templates(networks: dict[str, Network], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for head, network in networks.items():
        save_model(folder / head, network, {"head": head, **FACTS, **FACTS_OF_HEAD[head]})
    return folder


@pytest.fixture
def saved(templates: Path, tmp_path: Path) -> Callable[..., Path]:
    """A saved model of either head, in a folder of its own, some facts of its card changed (`...`: gone)."""

    def copy(head: str = "score", facts: dict[str, Any] | None = None) -> Path:
        folder = tmp_path / "model"
        shutil.copytree(templates / head, folder, dirs_exist_ok=True)
        card = json.loads((folder / CARD).read_text()) | (facts or {})
        kept = {key: value for key, value in card.items() if value is not ...}
        (folder / CARD).write_text(json.dumps(kept))
        return folder

    return copy
