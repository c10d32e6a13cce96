"""The toy training as a module; test files cannot import one another by name."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPT = Path(__file__).with_name("toy_training.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("toy_training", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def undisturbed(
    toy: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """Weights and losses of the toy training that nothing interrupts."""
    weights, history = toy.train(tmp_path_factory.mktemp("undisturbed"))
    return weights, history["loss"].tolist()
