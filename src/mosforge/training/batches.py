"""The batches of an epoch: drawn from counters, cut on the host, and copied to the device."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import torch
from torch import Tensor

from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Draws, Indices, Pack
from mosforge.core.seeds import generator
from mosforge.models.network import Network
from mosforge.training.processes import SINGLE, Processes
from mosforge.training.settings import TrainingSettings


@dataclass(frozen=True)
class Batch:
    """A batch, and the share of it that this process computes (all of it in a single process)."""

    # positions of the whole batch, int64 (n,), for the host: in the rows that are trained on, and, from the
    # number of these rows on, in the rows beside them
    samples: Indices
    positions: Tensor  # the same for the device
    shares: tuple[int, ...]  # how many of its samples each process computes (`Processes.shares`)
    pixels: Tensor  # this process's crops, uint8 (share, crop, crop, 3)
    mirrored: Tensor  # which of them are to be mirrored, bool (share,)

    def to(self, device: torch.device) -> "Batch":
        """The same on a device; from pinned memory the host does not wait for the copy."""
        tensors = (x.to(device, non_blocking=True) for x in (self.positions, self.pixels, self.mirrored))
        positions, pixels, mirrored = tensors
        return Batch(self.samples, positions, self.shares, pixels, mirrored)


@dataclass(frozen=True)
class Mixture:
    """Rows of several kinds, and the share of each kind in every batch."""

    kind: Indices  # of each row, from 0
    shares: tuple[float, ...]  # of each kind; together 1

    def order(self, draw: np.random.Generator, samples: int) -> Indices:
        """The samples of an epoch: sample s is crop s // rows of row s % rows, int64 (samples,).

        The kinds take turns as evenly as their shares let them. Each goes round its rows in random order, as
        often as it needs for its share: some rows come several times in an epoch, and others not in each
        epoch.
        """
        turns = [(np.arange(samples) + 0.5) / share for share in self.shares]
        kinds = np.repeat(np.arange(len(turns)), samples)
        kinds = kinds[np.argsort(np.concatenate(turns), kind="stable")[:samples]]
        order = np.empty(samples, np.int64)
        for kind in np.unique(kinds):
            places, members = np.flatnonzero(kinds == kind), np.flatnonzero(self.kind == kind)
            rounds = -(-len(places) // len(members))
            drawn = [members[draw.permutation(len(members))] + n * len(self.kind) for n in range(rounds)]
            order[places] = np.concatenate(drawn)[: len(places)]
        return order


@dataclass(frozen=True)
class Beside:
    """Images of which every step sees crops beside its batch; they change neither epochs nor batches."""

    rows: Indices  # of the pack
    crops: int  # of a step
    # from (seed, epoch, step) to positions in `rows`, int64 (crops,), and numbers in [0, 1), (crops, 3): two
    # for the place of each crop, and one that decides whether it is mirrored
    draw: Callable[[int, int, int], tuple[Indices, Draws]]


def epoch_order(
    seed: int, epoch: int, samples: int, groups: Indices | None = None, mixture: Mixture | None = None
) -> Indices:
    """The samples of an epoch in random order, int64 (samples,).

    Args:
        seed: of the training.
        epoch: from 0.
        samples: crops of the epoch; sample s is one of row s modulo the rows.
        groups: a number for each row; samples of rows of one number follow each other, so that a loss over
            pairs finds them in one batch (the end of a batch may still cut through a group).
        mixture: in what proportion several kinds of rows are drawn, if there are several.
    """
    draw = generator("order", seed, epoch)
    if mixture is not None:
        return mixture.order(draw, samples)
    order = draw.permutation(samples)
    if groups is None:
        return order
    repeat, row = np.divmod(order, len(groups))
    group = repeat * (groups.max() + 1) + groups[row]
    _, first, member_of = np.unique(group, return_index=True, return_inverse=True)
    return order[np.argsort(first[member_of], kind="stable")]


def batches(
    pack: Pack,
    rows: Indices,
    cfg: TrainingSettings,
    epoch: int,
    first_step: int = 0,
    *,
    groups: Indices | None = None,
    mixture: Mixture | None = None,
    beside: Beside | None = None,
    processes: Processes = SINGLE,
    pinned: bool = False,
) -> Iterator[Batch]:
    """The batches of an epoch.

    The crop of a sample is drawn from (seed, epoch, sample), so it depends neither on the batch size, nor on
    the number of processes, nor on where a resumed epoch starts.

    Args:
        pack: the images.
        rows: the images that are trained on.
        cfg: how to train.
        epoch: from 0.
        first_step: batches to leave out.
        groups: those of `epoch_order`.
        mixture: likewise.
        beside: images of which each batch has crops too, after its own.
        processes: who share each batch.
        pinned: in memory that a GPU copies from without the host.
    """
    order = epoch_order(cfg.seed, epoch, len(rows) * cfg.patches, groups, mixture)
    cuts = _cuts(len(rows), cfg, epoch, first_step, order, beside)
    places = rows if beside is None else np.concatenate((rows, beside.rows))
    nothing = np.empty(0, np.int64), np.empty((0, 3), np.float32)
    for (positions, draws), (later, later_draws) in pairwise(chain(cuts, [nothing])):
        next_mine = processes.share_of(len(later))
        pack.fetch(places[later[next_mine]], later_draws[next_mine], cfg.crop)
        mine = processes.share_of(len(positions))
        pixels = _empty_pixels((len(positions[mine]), cfg.crop, cfg.crop, 3), pinned)
        pack.crops(places[positions[mine]], draws[mine], cfg.crop, pixels.numpy())
        mirrored = (draws[mine, 2] < 0.5) & cfg.flip
        small = torch.from_numpy(positions), torch.from_numpy(mirrored)
        for_device, sides = (x.pin_memory() for x in small) if pinned else small
        yield Batch(positions, for_device, processes.shares(len(positions)), pixels, sides)


def _cuts(
    rows: int, cfg: TrainingSettings, epoch: int, first_step: int, order: Indices, beside: Beside | None
) -> Iterator[tuple[Indices, Draws]]:
    """For each step the positions of its crops' images, and the draws of the crops."""
    draws = generator("crops", cfg.seed, epoch).random((int(order.max()) + 1, 3), dtype=np.float32)
    for step in range(first_step, -(-len(order) // cfg.batch_size)):
        chosen = order[step * cfg.batch_size : (step + 1) * cfg.batch_size]
        positions, drawn = chosen % rows, draws[chosen]
        if beside is not None:
            further, further_draws = beside.draw(cfg.seed, epoch, step)
            positions = np.concatenate((positions, rows + further))
            drawn = np.concatenate((drawn, further_draws))
        yield positions, drawn


def _empty_pixels(shape: tuple[int, ...], pinned: bool) -> Tensor:
    if pinned:
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
    # numpy's memory comes in huge pages; in torch's, first touches would take half the time of a cut.
    return torch.from_numpy(np.empty(shape, np.uint8))


def on_device(items: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on a device; on a GPU each is copied while the one before it is computed."""
    if device.type != "cuda":
        yield from items
        return
    copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: Batch | None = None
    for item in items:
        with torch.cuda.stream(copying):
            copied = item.to(device)
        if waiting is not None:
            yield waiting
        torch.cuda.current_stream(device).wait_stream(copying)
        for tensor in (copied.positions, copied.pixels, copied.mirrored):
            tensor.record_stream(torch.cuda.current_stream(device))
        waiting = copied
    if waiting is not None:
        yield waiting


def check_not_empty(rows: Indices) -> None:
    """Refuses a training without an image.

    Args:
        rows: the images to train on.

    Raises:
        MosforgeError: there is none.
    """
    if len(rows) == 0:
        raise MosforgeError("there is nothing to train on: no image is left in the training part")


def check_last_batch(network: Network, samples: int, cfg: TrainingSettings) -> None:
    """Refuses a last batch of one crop for a network that normalises over a batch of vectors.

    Batch normalisation of maps has many values in a single crop; after the pooling, where timm's
    MobileNetV4 has one, there is one value, and torch stops.

    Args:
        network: on any device; a copy of it is tried on the CPU.
        samples: crops of an epoch.
        cfg: how to train.

    Raises:
        MosforgeError: the network cannot take the batch.
    """
    if samples % cfg.batch_size != 1 % cfg.batch_size:
        return
    try:
        with torch.no_grad():
            copy.deepcopy(network).cpu().train()(torch.zeros((1, cfg.crop, cfg.crop, 3), dtype=torch.uint8))
    except ValueError:
        raise MosforgeError(
            f"the last batch of an epoch would be a single crop ({samples} in batches of {cfg.batch_size}), "
            "which this network cannot normalise; set the key batch_size to another number"
        ) from None
