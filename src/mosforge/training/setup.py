"""Where and how fast a network is trained: nothing that its parameters (`cfg`) hold."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from mosforge.models.devices import pick_device


@dataclass(frozen=True)
class Setup:
    """Where and how a training runs. It changes no sample and no draw, only how sums are rounded.

    Attributes:
        device: where to train.
        compiled: let `torch.compile` build the backbone's kernels: faster after a start of minutes.
        events: folder for TensorBoard's events, if they are wanted.
    """

    device: torch.device
    compiled: bool = False
    events: Path | None = None


def set_up(arguments: argparse.Namespace) -> Setup:
    """The setup that the training options of the command line ask for; prepares torch for it."""
    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.benchmark = not arguments.deterministic
    if arguments.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    without_gpu = arguments.gpus == 0 and arguments.device == "auto"
    device = pick_device("cpu" if without_gpu else arguments.device)
    return Setup(device, bool(arguments.compile), arguments.events)
