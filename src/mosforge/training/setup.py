"""Where and how fast a training runs: nothing that its settings (`cfg`) hold."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field

from mosforge.models.devices import pick_device


@dataclass(frozen=True)
class Setup:
    """Where and how fast a training runs. It changes no sample and no draw, only how sums are rounded.

    Attributes:
        device: where to train; `auto` is CUDA where there is a GPU, otherwise the CPU.
        threads: threads of the CPU.
        gpus: the most GPUs to train on, each with a process of its own; 0 with the device `auto`: the CPU.
        compile: 1: with torch.compile, which is faster after a start of minutes.
        deterministic: 1: the same bits on a GPU in each run, but slower.
        events: folder for TensorBoard's events.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1)] = 1
    gpus: Annotated[int, Field(ge=0)] = 1
    compile: bool = False
    deterministic: bool = False
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
