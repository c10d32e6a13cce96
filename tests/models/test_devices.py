"""The choice of a device."""

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
