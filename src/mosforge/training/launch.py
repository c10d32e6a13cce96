"""Several GPUs: the same command line once more for each of them, through torchrun's own launcher."""

import logging
import sys
from collections.abc import Sequence

import torch

from mosforge.training.processes import started


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
    except (ChildFailedError, SignalException):
        return 1
    return 0
