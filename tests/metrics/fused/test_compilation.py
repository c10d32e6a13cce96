"""The cache of compiled kernels: used again as long as no source of the package changes, and not longer."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import pytest
from numba.core.caching import FunctionCache

from mosforge.metrics.fused import compilation

HELPER = """from toy.compilation import inline

@inline
def helper(x: float) -> float:
    return x + {number}
"""

KERNEL = """from toy.compilation import kernel
from toy.helpers import helper

@kernel
def use(x: float) -> float:
    return helper(x)
"""

RUN = "from toy.kernels import use; print(use(1.0), sum(use.stats.cache_hits.values()))"


def make_package(folder: Path) -> Path:
    """A package with a kernel that calls a function of another file, and the compilation of mosforge."""
    package = folder / "toy"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(compilation.__file__, package)
    (package / "kernels.py").write_text(KERNEL)
    (package / "helpers.py").write_text(HELPER.format(number=1))
    return package


def run(folder: Path, cache: Path) -> tuple[float, int]:
    """The kernel's value in a fresh process, and how often its machine code came from the disk."""
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment = {**kept, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "-c", RUN]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    value, hits = result.stdout.split()
    return float(value), int(hits)


@pytest.mark.slow
@pytest.mark.parametrize("read_only", [False, True])
def test_an_edit_of_an_inline_function_in_another_file_is_noticed(tmp_path: Path, read_only: bool) -> None:
    package = make_package(tmp_path)
    if read_only:
        (package / "__pycache__").touch()  # no folder can be made there, whoever runs the test
    assert run(tmp_path, tmp_path / "cache") == (2, 0)
    assert run(tmp_path, tmp_path / "cache") == (2, 1)
    assert (tmp_path / "cache" / "numba").exists() == read_only
    (package / "helpers.py").write_text(HELPER.format(number=2))
    assert run(tmp_path, tmp_path / "cache") == (3, 0)


@pytest.mark.slow
@pytest.mark.skipif(
    not llvmlite.binding.get_host_cpu_features().get("avx512f"), reason="a processor without AVX-512"
)
@pytest.mark.parametrize(("chosen", "wide"), [(None, True), ("+avx2,+fma,-avx512f", False)])
def test_kernels_use_the_whole_width_of_the_processor(tmp_path: Path, chosen: str | None, wide: bool) -> None:
    script = (
        "import numpy as np\n"
        "from mosforge.metrics.fused.pooling import centre\n"
        "centre(np.zeros(100, np.uint8), np.zeros(100, np.float32))\n"
        "print('zmm' in next(iter(centre.inspect_asm().values())))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CPU_FEATURES"}
    environment |= {"NUMBA_CACHE_DIR": str(tmp_path)} | ({"NUMBA_CPU_FEATURES": chosen} if chosen else {})
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(wide)


@pytest.mark.slow
def test_without_a_folder_for_machine_code_it_is_compiled_each_time(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    (package / "__pycache__").touch()
    (tmp_path / "cache").touch()
    for _ in range(2):
        assert run(tmp_path, tmp_path / "cache") == (2, 0)


def test_machine_code_that_a_full_disk_does_not_take_is_used_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FunctionCache, "save_overload", full)

    def add(x: float) -> float:
        return x + 1

    assert compilation.kernel(add)(1.0) == 2
