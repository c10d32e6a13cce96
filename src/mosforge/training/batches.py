"""The batches of an epoch: drawn from counters, cut in another thread."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from mosforge.core.packs import Indices, Pack
from mosforge.core.seeds import generator
from mosforge.training.order import epoch_order
from mosforge.training.processes import ALONE, Processes
from mosforge.training.recipe import Recipe


@dataclass(frozen=True)
class Batch:
    """A batch, and the part of it that this process computes (all of it, where it is alone).

    Attributes:
        samples: positions of the whole batch in the rows that are trained on, int64 (n,), for the host.
        positions: the same for the device.
        shares: how many of its samples each process computes (`Processes.shares`).
        pixels: this process's crops, uint8 (share, crop, crop, 3).
        mirrored: which of them are to be mirrored, bool (share,).
    """

    samples: Indices
    positions: Tensor
    shares: tuple[int, ...]
    pixels: Tensor
    mirrored: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device; from pinned memory the host does not wait for the copy."""
        tensors = (x.to(device, non_blocking=True) for x in (self.positions, self.pixels, self.mirrored))
        positions, pixels, mirrored = tensors
        return Batch(self.samples, positions, self.shares, pixels, mirrored)


def batches(
    pack: Pack,
    rows: Indices,
    recipe: Recipe,
    epoch: int,
    first_step: int = 0,
    *,
    groups: Indices | None = None,
    processes: Processes = ALONE,
    pinned: bool = False,
) -> Iterator[Batch]:
    """The batches of an epoch.

    A sample's crop is drawn from (seed, epoch, sample), so it depends neither on the batch size, nor on
    the number of processes, nor on where a resumed epoch begins.

    Args:
        pack: the pictures.
        rows: which of them are trained on.
        recipe: how.
        epoch: from 0.
        first_step: batches to leave out.
        groups: those of `epoch_order`.
        processes: who shares each batch.
        pinned: put them where a GPU can fetch them by itself.
    """
    samples = len(rows) * recipe.repeats
    order = epoch_order(recipe.seed, epoch, samples, groups)
    draws = generator("crops", recipe.seed, epoch).random((samples, 3), dtype=np.float32)
    mirrored = (draws[:, 2] < 0.5) & recipe.flip
    size = recipe.batch_size
    plan = [order[start : start + size] for start in range(first_step * size, samples, size)]
    for chosen, later in pairwise([*plan, order[:0]]):
        next_mine = later[processes.share_of(len(later))]
        pack.fetch(rows[next_mine % len(rows)], draws[next_mine], recipe.crop)
        mine = chosen[processes.share_of(len(chosen))]
        pixels = _room((len(mine), recipe.crop, recipe.crop, 3), pinned)
        pack.crops(rows[mine % len(rows)], draws[mine], recipe.crop, pixels.numpy())
        positions = chosen % len(rows)
        small = torch.from_numpy(positions), torch.from_numpy(mirrored[mine])
        for_device, sides = (x.pin_memory() for x in small) if pinned else small
        yield Batch(positions, for_device, processes.shares(len(chosen)), pixels, sides)


def _room(shape: tuple[int, ...], pinned: bool) -> Tensor:
    if pinned:
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
    # numpy's memory comes in huge pages; in torch's, first touches would take half the time of a cut.
    return torch.from_numpy(np.empty(shape, np.uint8))


def on_device(items: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on a device; on a GPU each is copied while the one before it is computed."""
    if device.type != "cuda":
        yield from items
        return
    beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: Batch | None = None
    for item in items:
        with torch.cuda.stream(beside):
            copied = item.to(device)
        if waiting is not None:
            yield waiting
        torch.cuda.current_stream(device).wait_stream(beside)
        for tensor in (copied.positions, copied.pixels, copied.mirrored):
            tensor.record_stream(torch.cuda.current_stream(device))
        waiting = copied
    if waiting is not None:
        yield waiting
