"""The device that a network runs on: its choice, its name, and its errors in plain words."""

import contextlib
import ctypes
import os

import torch

from mosforge.core.errors import MosforgeError, first_line

CHANGES_NO_RESULT = "devices differ only in how they round, and no cfg names one"

_KEEP_FREED = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, -1), "M_ARENA_MAX": (-8, 1)}
"""Numbers of glibc's options (malloc.h) and values: all blocks come from one heap, which only grows."""


def pick_device(name: str) -> torch.device:
    """The device of a name; each process that torchrun started has a GPU of its own.

    On the CPU, the process keeps the memory that it frees from then on.

    Args:
        name: `cpu`, `cuda`, `cuda:N`, or `auto`: CUDA where there is a GPU, otherwise the CPU.

    Raises:
        MosforgeError: another name, or CUDA is asked for where there is no GPU.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise MosforgeError(f"device {name}: there is no such device; take auto, cpu or cuda")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise MosforgeError(
            f"device {name}: torch finds no GPU of this name; take auto or cpu, or look at `nvidia-smi`"
        )
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        # Processes that share a GPU, which is of use only for tests, take the next one in turn.
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device
    if device.type == "cpu":
        _keep_freed_memory()
    return device


def _keep_freed_memory() -> None:
    """Lets the feature maps of one image use the memory of those before.

    glibc gives so large blocks back to the system, which then clears each of their pages again. That takes
    a third of the time of a network that scores images.
    """
    with contextlib.suppress(ValueError, OSError):  # another library, which has no such name
        if os.confstr("CS_GNU_LIBC_VERSION"):
            for option, value in _KEEP_FREED.values():
                ctypes.CDLL(None).mallopt(option, value)


def device_name(device: torch.device) -> str:
    """`CPU`, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def explain_device_error(error: Exception) -> str | None:
    """What a user can do about an error of torch's that the machine causes, and no defect of the code.

    Args:
        error: any error.

    Returns:
        One sentence; None where the error has another cause.
    """
    reason = first_line(error)
    if isinstance(error, torch.OutOfMemoryError) or "CUDA error: out of memory" in reason:
        return (
            "the memory of the GPU is used up; take a smaller batch_size or crop, or free the memory that "
            "other programs hold (`nvidia-smi` lists them)"
        )
    if "DefaultCPUAllocator" in reason:
        return "the memory of this machine is used up; take a smaller batch_size or crop"
    if "busy or unavailable" in reason:
        return (
            "the GPU is in use by another program that does not share it (`nvidia-smi` lists it); wait for it"
        )
    if "CUDA error" in reason or "NVIDIA driver" in reason:
        return f"the GPU cannot be used ({reason}); look at `nvidia-smi`, or compute with the device cpu"
    return None
