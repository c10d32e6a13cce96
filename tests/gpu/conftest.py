"""The devices that a small training runs on.

Every test of this folder runs on CUDA where there is a GPU, and is skipped there otherwise. Where it makes
sense it runs on the CPU, too, in bfloat16 as a GPU would: so the tests themselves are tested without one.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share small_training.py

from small_training import ON_CUDA, Trained, train

from mosforge.training.setup import Setup


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.gpu)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(
    params=[
        pytest.param(Setup(device="cpu", gpus=0, precision="bfloat16"), id="cpu"),
        pytest.param(Setup(device="cuda"), id="cuda", marks=ON_CUDA),
    ]
)
def setup(request: pytest.FixtureRequest) -> Setup:
    """How a GPU trains, on the CPU and on CUDA."""
    return request.param


@pytest.fixture(autouse=True)
def as_before() -> Any:
    """Undoes what a setup changes in torch."""
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def trained_on_the_cpu(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The training in float32 on the CPU."""
    reference = Setup(device="cpu", gpus=0, precision="float32")
    return train(tmp_path_factory.mktemp("cpu"), reference)
