"""The fused metrics engine against piq, in one run: `python tests/benchmarks/bench_metrics.py`.

Both engines take turns on the same images, so that whatever else the machine does slows both. Prints
the cost of compiling, the time of every step at each size (lost vectorisation is silent elsewhere), the
ratio to piq, and how the fused engine scales with threads.
"""

import argparse
import contextlib
import importlib
import os
import pkgutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import cv2
import numpy as np
import piq
import torch
from skimage import data

from mosforge.core.images import Pixels
from mosforge.core.parallel import available_threads
from mosforge.metrics import fused, score
from mosforge.metrics.engines import luma, viewing_factor
from mosforge.metrics.fused.engine import FusedEngine
from mosforge.metrics.fused.features import Features, Geometry, Reference
from mosforge.metrics.fused.fsim import fsim
from mosforge.metrics.fused.gmsd import gmsd
from mosforge.metrics.fused.mdsi import mdsi
from mosforge.metrics.fused.ssim import ssim_and_ms_ssim
from mosforge.metrics.fused.vsi import vsi

SIZES = {(512, 384): 30, (481, 321): 20, (1024, 768): 20}  # width and height: the ratio that is asked for
DISTORTIONS = 39
_BATCH = 13  # images that piq is given together; it takes the same time for each of any more

_COMPILE = """
import time; from mosforge.metrics import score; import numpy as np
image = np.random.default_rng(0).integers(0, 256, (171, 181, 3)).astype(np.uint8)
start = time.perf_counter(); score(image, [255 - image], threads=1); print(time.perf_counter() - start)
"""


def images(width: int, height: int) -> tuple[Pixels, list[Pixels]]:
    """An image and distorted versions: blur, noise and contrast of growing strength."""
    reference = cv2.resize(data.astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    generator = np.random.default_rng(0)
    distorted: list[Pixels] = []
    for i in range(DISTORTIONS):
        level = i // 3 + 1
        noise = generator.normal(0, 6 * level, reference.shape)
        noisy = np.clip(reference + noise, 0, 255).astype(np.uint8)
        blurred = cv2.GaussianBlur(reference, (0, 0), 0.7 * level)
        pale = (128 + (reference.astype(np.float64) - 128) / (1 + level)).astype(np.uint8)
        distorted.append((noisy, blurred, pale)[i % 3])
    return reference, distorted


def run_piq(reference: Pixels, distorted: list[Pixels], threads: int) -> None:
    """piq as its users call it: float32, in a batch, on all threads; SSIM and MS-SSIM of the luma."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        x = torch.from_numpy(np.stack(distorted)).permute(0, 3, 1, 2).float() / 255
        y = (torch.from_numpy(reference).permute(2, 0, 1)[None].float() / 255).expand_as(x).contiguous()
        for function in (piq.mdsi, piq.vsi, piq.fsim, piq.gmsd):
            function(x, y, reduction="none")
        x = torch.from_numpy(np.stack([luma(image) for image in distorted]))[:, None].float() / 255
        y = torch.from_numpy(luma(reference))[None, None].float() / 255
        for function in (piq.ssim, piq.multi_scale_ssim):
            function(x, y.expand_as(x).contiguous(), reduction="none")


def compile_cost() -> None:
    """First use with an empty cache, and with a filled one, each in a fresh process."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        for label in ("compiling, first use", "from the cache on disk"):
            command = [sys.executable, "-c", _COMPILE]
            result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            print(f"{label:28} {float(result.stdout):8.2f} s")


def cpu_seconds(work: Callable[[], object]) -> float:
    """What one call takes of a processor, which other programs hardly change."""
    start = time.process_time()
    work()
    return time.process_time() - start


def steps(width: int, height: int, rounds: int) -> None:
    """The median CPU time of each step for one image on one thread."""
    original, distorted = images(width, height)
    factor = viewing_factor("auto", height, width)
    geometry = Geometry(height, width, factor)
    reference, features = Reference(geometry), Features(geometry)
    reference.fill(original)
    features.fill(distorted[0])
    expected = reference.features
    work: dict[str, Callable[[], object]] = {
        "geometry (once a size)": lambda: Geometry(height, width, factor),
        "reference (once)": lambda: reference.fill(original),
        "pyramid": features.fill_pyramid,
        "poolings": features.fill_pooled,
        "colours": features.fill_colours,
        "phase congruency": features.fill_phase,
        "saliency": features.fill_saliency,
        "SSIM and MS-SSIM": lambda: ssim_and_ms_ssim(
            features.pyramid, expected.pyramid, reference.moments, geometry.ssim_scale
        ),
        "MDSI": lambda: mdsi(features.lhm, expected.lhm, reference.lhm_gradients, features.loss),
        "VSI": lambda: vsi(
            features.lmn, features.saliency, expected.lmn, expected.saliency, reference.lmn_gradients[2]
        ),
        "FSIM": lambda: fsim(
            features.yiq, features.phase, expected.yiq, expected.phase, reference.yiq_gradients[2]
        ),
        "GMSD": lambda: gmsd(features.gmsd_luma, reference.gmsd_gradients[2]),
    }
    for label, function in work.items():
        repeats = 3 if "once" in label else rounds
        times = [1e3 * cpu_seconds(function) for _ in range(repeats)]
        print(f"  {label:26} {min(times):8.3f} / {statistics.median(times):8.3f} ms, best / median")


@contextlib.contextmanager
def timed_kernels() -> Iterator[dict[str, list[float]]]:
    """While it lasts, every call of a kernel and of OpenCV's transforms is timed, by its module and name."""
    times: dict[str, list[float]] = defaultdict(list)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            start = time.process_time_ns()
            result = function(*arguments, **options)
            times[name].append((time.process_time_ns() - start) / 1e6)
            return result

        return call

    with contextlib.ExitStack() as patches:
        for entry in pkgutil.iter_modules(fused.__path__):
            module = importlib.import_module(f"{fused.__name__}.{entry.name}")
            for name, value in vars(module).items():
                if hasattr(value, "py_func"):  # compiled
                    home = value.py_func.__module__.rpartition(".")[2]
                    patch = mock.patch.object(module, name, timed(f"{home}.{value.__name__}", value))
                    patches.enter_context(patch)
        for name in ("split", "dft", "transpose"):
            patches.enter_context(mock.patch.object(cv2, name, timed(f"cv2.{name}", getattr(cv2, name))))
        yield times


def kernels(width: int, height: int, rounds: int) -> None:
    """The median CPU time of each kernel, and how much of an image's time it makes up."""
    original, distorted = images(width, height)
    engine = FusedEngine()
    prepared = engine.prepare(original)
    engine.score(lambda: prepared, distorted)  # compiles whatever they need, before names are patched
    with timed_kernels() as times:
        started = time.process_time_ns()
        for i in range(rounds):
            engine.score(lambda: prepared, distorted[i % DISTORTIONS :][:1])
        whole = (time.process_time_ns() - started) / 1e6 / rounds
    print(f"  {'kernel':38} calls     ms a call   ms an image")
    for name, values in sorted(times.items(), key=lambda item: -sum(item[1])):
        calls = len(values) / rounds
        print(f"  {name:38} {calls:5.0f} {statistics.median(values):13.4f} {sum(values) / rounds:14.3f}")
    rest = whole - sum(map(sum, times.values())) / rounds
    print(f"  {'the rest: arrays, Python':38} {'':5} {'':13} {rest:14.3f}")


def compare(width: int, height: int, rounds: int, most_threads: int) -> None:
    """Both engines in turn on 1 and on all threads; medians, in milliseconds an image.

    The fused engine's time contains that of the reference; piq has nothing that it could keep of one.
    """
    reference, distorted = images(width, height)
    settings = sorted({1, most_threads})
    score(reference, distorted, "fused", threads=most_threads)  # the geometry, and kernels from the disk
    wall: dict[tuple[str, int], list[float]] = defaultdict(list)
    processor: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for threads in settings:
            for name, count in (("piq", _BATCH), ("fused", DISTORTIONS)):
                start, start_processor = time.perf_counter(), time.process_time()
                if name == "piq":
                    run_piq(reference, distorted[:count], threads)
                else:
                    score(reference, distorted[:count], "fused", threads=threads)
                wall[name, threads].append(1e3 * (time.perf_counter() - start) / count)
                processor[name, threads].append(1e3 * (time.process_time() - start_processor) / count)
    for threads in settings:
        for label, times in (("elapsed", wall), ("CPU", processor)):
            theirs, ours = (statistics.median(times[name, threads]) for name in ("piq", "fused"))
            print(
                f"  {threads} threads, {label:7}: piq {theirs:7.1f} ms, fused {ours:6.2f} ms,"
                f" {theirs / ours:5.1f} times (asked for: {SIZES[width, height]})"
            )
    if most_threads > 1:
        one, most = (statistics.median(wall["fused", threads]) for threads in settings)
        print(f"  {most_threads} threads are {one / most:.2f} times as fast as 1")


def main() -> None:
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=available_threads())
    arguments = parser.parse_args()
    compile_cost()
    for width, height in SIZES:
        print(f"{width}x{height}, {DISTORTIONS} distortions")
        steps(width, height, 10 * arguments.rounds)
        kernels(width, height, 10 * arguments.rounds)
        compare(width, height, arguments.rounds, arguments.threads)


if __name__ == "__main__":
    main()
