"""The memory that maps are written to."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

_LINE = 64  # bytes of a cache line, and of the widest vectors


def aligned(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """An uninitialised array that starts at a cache line, where numpy's start anywhere in one.

    Vectors as wide as a line would otherwise touch two lines each: transforms take a fifth longer.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)
