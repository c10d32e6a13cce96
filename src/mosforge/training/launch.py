"""Several GPUs: the same command line once more for each of them, through torchrun's own launcher."""

import logging
import sys
from collections.abc import Sequence

import torch

from mosforge.core.errors import MosforgeError
from mosforge.training.processes import started_processes
from mosforge.training.setup import Setup

CHANGES_NO_RESULT = "it only starts processes, each of which runs the job"


def launch_if_several(setup: Setup) -> int | None:
    """Runs this process's own command line in a process for each GPU, where the setup asks for several.

    Returns:
        The exit status of the processes; None: there are none, and this process has to train.

    Raises:
        MosforgeError: a process was killed.
    """
    count = count_processes(setup)
    return launch(count, sys.argv[1:]) if count else None


def count_processes(setup: Setup) -> int:
    """How many processes must be started; 0 where this process has to train."""
    if setup.device == "cpu" or started_processes().count > 1:
        return 0
    count = min(setup.gpus, torch.cuda.device_count())
    return count if count > 1 else 0


def launch(processes: int, words: Sequence[str]) -> int:
    """Runs `mosforge WORDS` in several processes on this machine and waits for them.

    Returns:
        The exit status. A process that fails prints its own message.

    Raises:
        MosforgeError: a process was killed, and could print none.
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
