"""Where and how fast a training runs, on several GPUs in several processes: nothing that its `cfg` holds."""

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field

from mosforge.core.errors import MosforgeError
from mosforge.models.devices import pick_device
from mosforge.models.network import Precision
from mosforge.training.processes import started_processes

CHANGES_NO_RESULT = "the machine changes only how sums are rounded, and each process runs the whole job"


@dataclass(frozen=True)
class Setup:
    """Where and how fast a training runs. It changes no sample and no draw, only how sums are rounded.

    Attributes:
        device: where to train; `auto` is CUDA where there is a GPU, otherwise the CPU.
        threads: threads of the CPU.
        gpus: the most GPUs to train on, each with a process of its own; 0 with the device `auto`: the CPU.
        compile: 1: with torch.compile, which is faster after a start of minutes.
        deterministic: 1: the same bits on a GPU in each run, but slower.
        precision: what the backbone computes in: `float32`, `bfloat16`, or `auto`, which is bfloat16 on a GPU
            and float32 on the CPU.
        events: folder for TensorBoard's events.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1)] = 1
    gpus: Annotated[int, Field(ge=0)] = 1
    compile: bool = False
    deterministic: bool = False
    precision: Precision = "auto"
    events: Path | None = None

    def prepare(self) -> torch.device:
        """Prepares torch for the setup, and returns the device to train on.

        Raises:
            MosforgeError: CUDA is asked for where there is no GPU.
        """
        torch.set_num_threads(self.threads)
        torch.backends.cudnn.benchmark = not self.deterministic
        if self.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        return pick_device("cpu" if self.gpus == 0 and self.device == "auto" else self.device)


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
