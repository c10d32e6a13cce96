"""How the kernels are compiled, and the arrays that they work on.

Kernels release the interpreter lock, so that each thread scores its own image. numba keeps their machine
code in `__pycache__` beside the sources, in the user's cache where that folder is read-only, or in
NUMBA_CACHE_DIR; it writes there by renaming, so processes may start together. A change of any file of this
package has all kernels compiled again.
"""

import contextlib
import functools
import hashlib
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np
import numpy.typing as npt
from numba.core.caching import FunctionCache

log = logging.getLogger(__name__)

Map = npt.NDArray[np.float32]
"""A float32 array; most are maps of shape (height, width)."""

Bytes = npt.NDArray[np.uint8]

Places = npt.NDArray[np.int64]

Grid = npt.NDArray[np.float64]
"""A filter, or several, as its equation gives it."""

F32 = np.float32
"""Constants in kernels are F32(...): a Python float would turn the arithmetic into float64."""

_LINE = 64  # bytes of a cache line, and of the widest vectors

_Function = TypeVar("_Function", bound=Callable[..., Any])

# A loop over many rows is vectorised only after a run-time check that they do not overlap; beyond 8 or
# 128 comparisons LLVM gives up silently, and the kernel is five times slower.
for _option in ("-runtime-memory-check-threshold=256", "-vectorize-memory-check-threshold=256"):
    llvmlite.binding.set_option("", _option)


# By itself LLVM leaves half of AVX-512's width unused, for fear of a lower clock, which long loops over
# floats more than make up for: an image of 512x384 is scored in nine tenths of the time. What the user set
# as NUMBA_CPU_FEATURES stays.
_features = llvmlite.binding.get_host_cpu_features()
if numba.config.CPU_FEATURES is None and numba.config.ENABLE_AVX and _features.get("avx512f"):
    numba.config.CPU_FEATURES = f"{_features.flatten()},-prefer-256-bit"

# All that reordering allows except "no NaN, no infinity", which lets LLVM break flat images.
_REORDERING = {"reassoc", "contract", "arcp", "nsz"}

_FILES = sorted(Path(__file__).parent.glob("*.py"))
_SOURCES = hashlib.sha256(repr([(file.name, file.read_bytes()) for file in _FILES]).encode()).hexdigest()


class _Cache(FunctionCache):  # type: ignore[misc]
    """numba's cache, whose entries also become stale when another file of this package changes.

    numba itself looks only at a kernel's own file; a kernel contains `inline` functions of others, too.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file._source_stamp = _SOURCES

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keeps machine code, if it can: a full disk costs only the time to compile again."""
        with contextlib.suppress(OSError):
            super().save_overload(signature, compiled)


@functools.cache
def _warn_of_no_cache() -> None:
    log.warning(
        "no folder for the machine code of the metrics can be written, so each process compiles it anew, "
        "about 10 seconds of a core; name one with NUMBA_CACHE_DIR=DIR"
    )


def _compiled(function: _Function, **options: Any) -> _Function:
    dispatcher = numba.njit(nogil=True, error_model="numpy", **options)(function)
    if hasattr(dispatcher, "_cache"):  # it has none where NUMBA_DISABLE_JIT is set
        try:
            dispatcher._cache = _Cache(function)
        except RuntimeError:  # no folder can be written
            _warn_of_no_cache()
    return cast(_Function, dispatcher)


def kernel(function: _Function) -> _Function:
    """Compiles a function over arrays on first use, and keeps the machine code on disk."""
    return _compiled(function, fastmath=_REORDERING)


def exact(function: _Function) -> _Function:
    """Like `kernel`, with arithmetic as it is written.

    Two kernels may otherwise reorder the same formula differently, and the values that one computed for a
    reference would differ in the last bit from those that the other computes for an equal image.
    """
    return _compiled(function)


def inline(function: _Function) -> _Function:
    """Compiles a scalar function into the loops that call it."""
    return cast(_Function, numba.njit(inline="always", error_model="numpy", fastmath=_REORDERING)(function))


def aligned(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """An uninitialised array that starts at a cache line, where numpy's start anywhere in one.

    Vectors as wide as a line would otherwise touch two lines each: transforms take a fifth longer.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)
