"""Several processes that train one network together, each on its share of every batch.

torchrun starts them, with a GPU each. The samples of a batch are those of a single process. Each process
computes the features of its share. The features are then gathered, so that head, dropout and loss see the
whole batch in every process, and batch normalisation takes its statistics over all shares (SyncBatchNorm).
Only the order in which numbers are added differs from a single process; and AlexNet, whose backbone has
dropout of its own, drops other features.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mosforge.core.errors import MosforgeError
from mosforge.models.network import Network


@dataclass(frozen=True)
class Processes:
    """The processes of a training, and which of them this one is."""

    rank: int = 0  # number of this process; only process 0 writes files and logs
    count: int = 1  # how many there are
    hosts: Any = None  # the group for messages between the processes that must not wait for the GPUs

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def shares(self, samples: int) -> tuple[int, ...]:
        """How many of a batch's samples each process computes, dealt out evenly.

        Empty where nothing is shared: in a single process, or for a batch that is too small, which every
        process computes whole.
        """
        if self.count == 1 or samples < 2 * self.count:
            return ()
        return tuple((samples + i) // self.count for i in range(self.count))

    def share_of(self, samples: int) -> slice:
        """The part of a batch that this process computes."""
        shares = self.shares(samples)
        return slice(sum(shares[: self.rank]), sum(shares[: self.rank + 1])) if shares else slice(samples)

    def wait(self) -> None:
        """Waits until all processes are here."""
        if self.count > 1:
            with self._others_may_be_gone():
                dist.barrier(self.hosts)

    def any(self, here: bool) -> bool:
        """Whether `here` is true in any process; all must call this at the same step."""
        if self.count == 1:
            return here
        flag = torch.tensor([here], dtype=torch.int32)
        with self._others_may_be_gone():
            dist.all_reduce(flag, dist.ReduceOp.MAX, self.hosts)
        return bool(flag)

    @contextlib.contextmanager
    def _others_may_be_gone(self) -> Iterator[None]:
        """Replaces the error of gloo: a process that fails reports its own."""
        try:
            yield
        except RuntimeError:
            raise self.error(
                "another process of this training has ended; see its message, and run again to go on"
            ) from None

    def error(self, message: str) -> BaseException:
        """The error that all raise at the same step: only the first process reports it."""
        return MosforgeError(message) if self.is_first else SystemExit(1)


SINGLE = Processes()
"""A process that trains by itself."""


def started_processes() -> Processes:
    """The processes that torchrun started; `SINGLE` without torchrun."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return SINGLE
    return Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextlib.contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """Joins this process with the others that torchrun started, while the block runs."""
    processes = started_processes()
    if processes.count == 1:
        yield processes
        return
    # NCCL wants a GPU for each process.
    alone = device.type == "cuda" and int(os.environ["LOCAL_WORLD_SIZE"]) <= torch.cuda.device_count()
    dist.init_process_group("nccl" if alone else "gloo")
    try:
        yield Processes(processes.rank, processes.count, dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()


def share_batch_statistics(network: Network, processes: Processes, device: torch.device) -> None:
    """Makes batch normalisation take its statistics over the shares of all processes.

    Raises:
        MosforgeError: torch has this only for GPUs.
    """
    shared = processes.count > 1 and not (network.frozen_statistics or network.frozen_backbone)
    if not shared or not any(isinstance(part, _BatchNorm) for part in network.modules()):
        return
    if device.type != "cuda":
        raise processes.error(
            "several processes on the CPU cannot share the statistics of batch normalisation; "
            "train with one process and more --threads"
        )
    convert_sync_batchnorm(network)


class Gathering:
    """Gives a network's head the features of the whole batch while it trains.

    Args:
        network: its `head` is called once a forward pass, with the features as its first argument.
        processes: who shares the batches.
    """

    def __init__(self, network: Network, processes: Processes) -> None:
        self.shares: tuple[int, ...] = ()  # `Processes.shares` of the present batch
        self._rank = processes.rank
        if processes.count > 1:
            network.head.register_forward_pre_hook(self._gather)

    def _gather(self, head: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if not head.training or not self.shares:
            return None
        return (_Gathered.apply(inputs[0], self.shares, self._rank), *inputs[1:])


class _Gathered(torch.autograd.Function):
    """The features of all shares, in the order of the batch."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, shares: Sequence[int], rank: int) -> Tensor:
        ctx.shares, ctx.rank = shares, rank
        padded = features.new_zeros((max(shares), *features.shape[1:]))
        padded[: len(features)] = features
        parts = [torch.empty_like(padded) for _ in shares]
        dist.all_gather(parts, padded)
        return torch.cat([part[:share] for part, share in zip(parts, shares, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # Each process has the gradient of the whole loss, and the average over the processes follows:
        # a share's gradient, which only its own process has, must count in full.
        own = torch.split(gradients[0], ctx.shares)[ctx.rank]
        return own * len(ctx.shares), None, None
