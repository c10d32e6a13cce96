"""Several processes that train one network together, each on its share of every batch.

They are started by torchrun, with a GPU each. The samples of a batch are those of a single process. Each
process computes the features of its share; the features are then gathered, so that head, dropout and loss
see the whole batch in every process, and batch normalisation takes its statistics over all shares
(SyncBatchNorm). What differs from a single process is the order in which numbers are added; and AlexNet,
whose backbone has dropout of its own, drops other features.
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
    """The processes of a training, and which of them this one is.

    Attributes:
        rank: number of this process; process 0 alone writes files and speaks.
        count: how many there are.
        hosts: the group in which they tell one another what must not wait for the GPUs.
    """

    rank: int = 0
    count: int = 1
    hosts: Any = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def shares(self, samples: int) -> tuple[int, ...]:
        """How many of a batch's samples each process computes, dealt out evenly.

        Empty where there is nothing to share: a process alone, or a batch that is too small and is
        computed whole by every process.
        """
        if self.count == 1 or samples < 2 * self.count:
            return ()
        return tuple((samples + i) // self.count for i in range(self.count))

    def share_of(self, samples: int) -> slice:
        """The part of a batch that this process computes."""
        shares = self.shares(samples)
        return slice(sum(shares[: self.rank]), sum(shares[: self.rank + 1])) if shares else slice(samples)

    def wait(self) -> None:
        """Waits until all are here."""
        if self.count > 1:
            with self._others_may_be_gone():
                dist.barrier(self.hosts)

    def any(self, here: bool) -> bool:
        """Whether it holds in any process; all must ask at the same step."""
        if self.count == 1:
            return here
        flag = torch.tensor([here], dtype=torch.int32)
        with self._others_may_be_gone():
            dist.all_reduce(flag, dist.ReduceOp.MAX, self.hosts)
        return bool(flag)

    @contextlib.contextmanager
    def _others_may_be_gone(self) -> Iterator[None]:
        """In the place of gloo's error: a process that has failed tells of it itself."""
        try:
            yield
        except RuntimeError:
            raise self.error(
                "another process of this training has ended; run again to go on, unless it said why not"
            ) from None

    def error(self, message: str) -> BaseException:
        """What all raise at the same step: an error that the first one tells, a silent end of the others."""
        return MosforgeError(message) if self.is_first else SystemExit(1)


ALONE = Processes()


def started() -> Processes:
    """The processes that torchrun started; this one alone where it did not."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    return Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextlib.contextmanager
def together(device: torch.device) -> Iterator[Processes]:
    """Joins this process with the others that torchrun started, while the block runs."""
    processes = started()
    if processes.count == 1:
        yield processes
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(processes.rank, processes.count, dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()


def normalise_together(network: Network, processes: Processes, device: torch.device) -> None:
    """Makes batch normalisation take its statistics over the shares of all processes.

    Raises:
        MosforgeError: torch has this for GPUs alone.
    """
    if processes.count == 1 or not any(isinstance(part, _BatchNorm) for part in network.modules()):
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

    Attributes:
        shares: those of the present batch (`Processes.shares`).
    """

    def __init__(self, network: Network, processes: Processes) -> None:
        self.shares: tuple[int, ...] = ()
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
