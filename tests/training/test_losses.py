"""The losses of a GPU are read late, so that the host does not wait."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from mosforge.training.losses import LossWatch


def test_losses_of_a_gpu_are_read_late_and_in_order() -> None:
    """The host waits for a step only when it is far behind, and then only for the oldest."""

    class Device:
        done = 0

        def event(self, number: int) -> Any:
            def wait() -> None:
                self.done = max(self.done, number)

            return SimpleNamespace(query=lambda: self.done >= number, synchronize=wait)

    device, watch, read = Device(), LossWatch(), []
    for step in range(40):
        watch.add(step, np.array([step]), {"loss": torch.tensor(float(step))})
        watch._waiting[-1] = (*watch._waiting[-1][:4], device.event(step + 1))
        read += [reading.step for reading in watch.read()]
        assert read == list(range(max(0, step + 1 - 16)))
    device.done = 30
    assert [reading.losses["loss"] for reading in watch.read()] == list(range(24, 30))
    assert [reading.step for reading in watch.read(rest=True)] == list(range(30, 40))
