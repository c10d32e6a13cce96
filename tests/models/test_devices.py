"""The choice of a device."""

import ctypes
import platform
import resource

import pytest
import torch

from mosforge.core.errors import MosforgeError
from mosforge.models.devices import pick_device


def test_the_device() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_gpu_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MosforgeError, match="device cuda: torch finds no GPU"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(MosforgeError, match="device cuda:2: torch finds no GPU"):
        pick_device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "meta", "CPU", "", None])
def test_a_name_that_is_no_device_is_reported(name: str) -> None:
    with pytest.raises(MosforgeError, match=f"device {name}: there is no such device; take auto, cpu"):
        pick_device(name)


def test_the_processor_keeps_the_memory_that_is_freed() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library than glibc")
    pick_device("cpu")
    libc, size, faults = ctypes.CDLL(None), 64 << 20, []
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        block = libc.malloc(size)
        ctypes.memset(block, 1, size)
        libc.free(block)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert sum(faults[2:]) < size // resource.getpagesize() // 10
