"""Settings of all tests."""

import os

# Several workers share the cores: a second thread in each would only wait for the first.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no defect of the code.
settings.register_profile("mosforge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mosforge")

MEASURES = {"device", "images_per_second", "peak_memory_mib"}


LONGEST = (
    "workflow/test_whole_run.py",  # makes the project that five of the others look at
    "workflow/test_slurm.py",
    "workflow/test_reruns.py",
    "workflow/test_plans.py",
    "workflow/test_faults.py",
    "workflow/test_kills.py",
    "workflow/test_temporary_images.py",
    "metrics/fused/test_agreement.py",
    "metrics/fused/test_agreement_on_made_images.py",
    "distortions/test_levels.py",
    "training/test_processes.py",
    "finetuning/test_finetune.py",
    "pretraining/test_pretrain.py",
)
"""Files of half a minute and more; they come first, lest one worker ends with them while the others wait.

The second to fourth need no project, so that nobody waits for the first.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the files; pyproject.toml tells xdist to leave that order.

    What is exhaustive is slow, too: `-m "not slow"` takes the place of pyproject's `-m "not exhaustive"`.
    """
    for item in items:
        if item.get_closest_marker("exhaustive"):
            item.add_marker("slow")
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


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
    from PIL import Image

    from mosforge.sources.fetch_source import packaged_image

    folder = tmp_path_factory.mktemp("images")
    for name, packaged in PACKAGED.items():
        Image.fromarray(packaged_image(packaged)).save(folder / f"{name}.png")
    return [(name, str(folder / f"{name}.png")) for name in PACKAGED]


@pytest.fixture(scope="session")
def learnt() -> Callable[[Path], tuple[bytes, dict[str, Any]]]:
    """What two runs of one training have in common: the weights, and the card without what was measured."""

    def of_folder(folder: Path) -> tuple[bytes, dict[str, Any]]:
        card = json.loads((folder / "card.json").read_text())
        assert card.pop("measured").keys() == MEASURES
        return (folder / "model.safetensors").read_bytes(), card

    return of_folder


@pytest.fixture
def fit_arguments(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs the job of a training without training: the arguments that it gives to `fit`, by name."""
    from mosforge.core.errors import MosforgeError
    from mosforge.training.loop import fit

    calls: list[dict[str, Any]] = []

    def recorded(*words: Any, **named: Any) -> None:
        calls.append(signature(fit).bind(*words, **named).arguments)
        raise MosforgeError("the arguments are recorded")

    def of_job(job: str, train: Callable[[], int]) -> dict[str, Any]:
        monkeypatch.setattr(f"mosforge.{job}.fit", recorded)
        assert train() == 1
        return calls.pop()

    return of_job
