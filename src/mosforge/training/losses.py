"""The losses of the steps: their type, and their late reading, for which the host never waits."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mosforge.core.packs import Indices

Losses = dict[str, Tensor]
"""`loss`, and its parts by name."""

LossOf = Callable[[Any, Tensor], Losses]
"""From the network's output and the samples' positions to the losses of a batch."""


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
    """Takes the losses of every step and gives them back in order, so late that the host never waits."""

    _LATEST = 16
    """Steps that the host may be ahead of the device."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Indices, list[str], Tensor, torch.cuda.Event | None]] = deque()

    def add(self, step: int, samples: Indices, losses: Mapping[str, Tensor]) -> None:
        """Takes the losses of a step; on a GPU their copy to the host starts later."""
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
