"""The losses of the steps, read so late that the host never waits for the GPU."""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mosforge.core.packs import Indices


@dataclass(frozen=True)
class Reading:
    """The losses of a step: its number in the epoch from 0, its samples, and each loss by name."""

    step: int
    samples: Indices
    losses: dict[str, float]

    @property
    def is_finite(self) -> bool:
        """Whether the whole loss is a number."""
        return math.isfinite(self.losses["loss"])


class LossWatch:
    """Takes every step's losses and gives them back, in order, as soon as they are known."""

    _LATEST = 16
    """Steps that the host may be ahead of the device."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Indices, list[str], Tensor, torch.cuda.Event | None]] = deque()

    def add(self, step: int, samples: Indices, losses: Mapping[str, Tensor]) -> None:
        """Takes the losses of a step; on a GPU their copy to the host is only ordered."""
        values = torch.stack([value.detach().float() for value in losses.values()])
        done = None
        if values.is_cuda:
            values = values.to("cpu", non_blocking=True)
            done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            done.record()
        self._waiting.append((step, samples, list(losses), values, done))

    def read(self, *, rest: bool = False) -> Iterator[Reading]:
        """The losses that are known by now; with `rest`, all of them."""
        while self._waiting:
            step, samples, names, values, done = self._waiting[0]
            if done is not None:
                if not rest and len(self._waiting) <= self._LATEST and not done.query():  # type: ignore[no-untyped-call]
                    return
                done.synchronize()
            self._waiting.popleft()
            yield Reading(step, samples, dict(zip(names, values.tolist(), strict=True)))
