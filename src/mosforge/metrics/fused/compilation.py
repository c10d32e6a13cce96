"""How the kernels are compiled.

Kernels release the interpreter lock, so that each thread scores its own picture. numba keeps their machine
code in `__pycache__` beside the sources, in the user's cache where that folder is read-only, or in
NUMBA_CACHE_DIR; it writes there by renaming, so processes may start together. numba looks at the changes of
a kernel's own file alone: after changing a function marked `inline`, delete `__pycache__`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float32]
"""A float32 array; most are maps of shape (height, width)."""

Bytes = npt.NDArray[np.uint8]

F32 = np.float32
"""Constants in kernels are F32(...): a Python float would turn the arithmetic into float64."""

_Function = TypeVar("_Function", bound=Callable[..., Any])

# A loop over many rows is vectorised only after a run-time check that they do not overlap; beyond 8 or
# 128 comparisons LLVM gives up silently, and the kernel is five times slower.
for _option in ("-runtime-memory-check-threshold=256", "-vectorize-memory-check-threshold=256"):
    llvmlite.binding.set_option("", _option)

# All that reordering allows except "no NaN, no infinity", which lets LLVM break flat pictures.
_REORDERING = {"reassoc", "contract", "arcp", "nsz"}


def kernel(function: _Function) -> _Function:
    """Compiles a function over arrays on first use, and keeps the machine code on disk."""
    compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_REORDERING)(function)
    return cast(_Function, compiled)


def exact(function: _Function) -> _Function:
    """Like `kernel`, with arithmetic as it is written.

    Two kernels may otherwise reorder the same formula differently, and the values that one computed for a
    reference would differ in the last bit from those that the other computes for an equal picture.
    """
    return cast(_Function, numba.njit(nogil=True, cache=True, error_model="numpy")(function))


def inline(function: _Function) -> _Function:
    """Compiles a scalar function into the loops that call it."""
    return cast(_Function, numba.njit(inline="always", error_model="numpy", fastmath=_REORDERING)(function))
