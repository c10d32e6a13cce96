"""Images per second of the scorer beside the bare forward pass of the same backbone:
`python tests/benchmarks/bench_scoring.py [--rounds N] [--threads N]`.

Both take turns in one process, so that whatever else the machine does slows both. The bare pass is
torchvision's or timm's own network on float32 tensors that lie ready in memory, with the same number of
pixels; the scorer also reads JPEG files, draws and cuts crops, normalises, and runs its head. At equal
work it should keep 85% of the bare pass.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import timm
import torch
import torchvision
from PIL import Image
from skimage import data

from mosforge import Scorer
from mosforge.core.parallel import available_threads
from mosforge.models.folder import save_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network

WIDTHS = {"efficientnet_lite0": 1280, "resnet50": 2048}
BATCHES = (6, 20, 60)  # of the bare pass at 60 crops; its fastest counts
SIZE = (512, 384)


def model(backbone: str, folder: Path) -> Path:
    """A model with random weights."""
    facts = {"head": "score", "dropout": 0.5, "crop": 224, "test_crops": 60, "range": [0.0, 1.0]}
    network = Network(backbone, ScoreHead(WIDTHS[backbone], 0.5))
    save_model(folder, network, {"backbone": backbone, "higher_is_better": True, **facts})
    return folder


def bare(backbone: str) -> torch.nn.Module:
    """The network as its library makes it."""
    if backbone == "resnet50":
        return torchvision.models.resnet50(weights=None).eval()
    return timm.create_model("tf_efficientnet_lite0").eval()


def images(folder: Path, count: int) -> list[Path]:
    """JPEG files of 512x384."""
    originals = (data.astronaut(), data.coffee(), data.chelsea())
    paths = [folder / f"{i}.jpg" for i in range(count)]
    for i, path in enumerate(paths):
        Image.fromarray(originals[i % 3]).resize(SIZE).save(path, quality=90)
    return paths


def forward(network: torch.nn.Module, batches: list[torch.Tensor], threads: int) -> None:
    """The bare pass."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        for batch in batches:
            network(batch)


def measure(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each piece of work, all taking turns, after a first turn that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def compare(backbone: str, crops: int, paths: list[Path], folder: Path, options: argparse.Namespace) -> None:
    """Prints one line: the scorer, the fastest bare pass, and their ratio."""
    scorer = Scorer(folder, crops=crops, device="cpu", threads=options.threads)
    network = bare(backbone)
    work: dict[str, Callable[[], object]] = {"scorer": lambda: list(scorer.score_many(paths))}
    if crops:
        ready = torch.randn(crops, 3, 224, 224)
        for size in BATCHES:
            batches = list(ready.split(size)) * len(paths)
            work[f"bare, batches of {size}"] = lambda b=batches: forward(network, b, options.threads)
    else:
        for size in (1, 4):
            batches = [torch.randn(size, 3, *SIZE[::-1])] * (len(paths) // size)
            work[f"bare, batches of {size}"] = lambda b=batches: forward(network, b, options.threads)
    seconds = measure(work, options.rounds)
    ours = seconds.pop("scorer")
    best = min(seconds, key=lambda name: seconds[name])
    print(
        f"{backbone:20} {f'{crops} crops' if crops else 'whole':9} scorer {len(paths) / ours:7.3f} images/s,"
        f" {best} {len(paths) / seconds[best]:7.3f}, ratio {seconds[best] / ours:.2f} (asked for: 0.85)",
        flush=True,
    )


def main() -> None:
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=available_threads())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        paths = images(Path(place), 12)
        for backbone in WIDTHS:
            folder = model(backbone, Path(place) / backbone)
            compare(backbone, 60, paths[: 4 if backbone == "efficientnet_lite0" else 2], folder, options)
            compare(backbone, 0, paths, folder, options)


if __name__ == "__main__":
    main()
