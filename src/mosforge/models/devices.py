"""The device that a network runs on, and its name."""

import os

import torch

from mosforge.core.errors import MosforgeError

CHANGES_NO_RESULT = "devices differ only in how they round, and no cfg names one"


def pick_device(name: str) -> torch.device:
    """The device of a name; each process that torchrun started has a GPU of its own.

    Args:
        name: `cpu`, `cuda`, or `auto`: CUDA where there is a GPU, otherwise the CPU.

    Raises:
        MosforgeError: CUDA is asked for where there is no GPU.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise MosforgeError("device cuda: torch finds no GPU here; take auto or cpu, or look at `nvidia-smi`")
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        return device
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """`CPU`, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
