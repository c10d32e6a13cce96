"""Several GPUs: the same command line once more for each of them, through torchrun's own launcher."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

import torch

from mosforge.core.errors import MosforgeError
from mosforge.training.processes import started
from mosforge.training.setup import set_up


def train_in_processes(arguments: argparse.Namespace, train: Callable[..., None]) -> int | None:
    """Trains here, or in a process for each GPU, as the training options of the command line say.

    Args:
        arguments: those of `commands.add_fitting_options`.
        train: what to do here; it gets the `setup`.

    Returns:
        The exit status; none after a training here.
    """
    processes = processes_to_start(arguments.gpus, arguments.device)
    if processes:
        return launch(processes, sys.argv[1:])
    train(setup=set_up(arguments))
    return None


def processes_to_start(gpus: int, device: str) -> int:
    """How many processes a training on up to `gpus` GPUs needs; 0 where this process can train itself."""
    if device == "cpu" or started().count > 1:
        return 0
    count = min(gpus, torch.cuda.device_count())
    return count if count > 1 else 0


def launch(processes: int, words: Sequence[str]) -> int:
    """Runs `mosforge WORDS` in several processes on this machine and waits for them.

    Returns:
        The exit status; what went wrong was told by the process that it went wrong in.

    Raises:
        MosforgeError: a process was killed, and could not tell.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="mosforge",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=1,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "mosforge", *words)
    except SignalException:
        return 1
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            killed = f"process {rank} of the training was killed ({failure.signal_name()})"
            raise MosforgeError(f"{killed}; run again, with more memory if that was short") from None
        return 1
    return 0
