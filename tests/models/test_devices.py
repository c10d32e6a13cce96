"""The choice of a device."""

import resource

import pytest
import torch

from mosforge.core.errors import MosforgeError
from mosforge.models.devices import pick_device


def test_the_device() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_gpu_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MosforgeError, match="device cuda: torch finds no GPU"):
        pick_device("cuda")


def test_the_processor_keeps_the_memory_of_feature_maps_that_it_has_freed() -> None:
    pick_device("cpu")
    size, faults = 64 << 20, []
    for _ in range(6):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        maps = torch.ones(size, dtype=torch.uint8)
        del maps
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert sum(faults[3:]) < size // resource.getpagesize() // 10
