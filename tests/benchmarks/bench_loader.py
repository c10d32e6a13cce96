"""Crops a second that the loader feeds: `python tests/benchmarks/bench_loader.py [PICTURES] [BATCHES]`.

Crops of 224x224 from packed images of 256x256 in the page cache, drawn, cut and queued as in a training,
by one thread. Beside it, in the same run, a torchvision folder over the same images as PNG with two
worker processes, and the folder's images decoded in this process. The goal is 6,000 a second.
"""

import argparse
import itertools
import os
import resource
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from PIL import Image
from skimage import data
from torch.utils.data import DataLoader, RandomSampler
from torchvision import datasets
from torchvision.transforms import v2

from mosforge.core.images import Pixels
from mosforge.core.packs import Pack, write_pack
from mosforge.core.parallel import take_ahead
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table
from mosforge.training.batches import batches
from mosforge.training.settings import TrainingSettings

SIDE, CROP, BATCH, GOAL = 256, 224, 256, 6000
PACKS = 8


def images(count: int) -> list[Pixels]:
    """squares of images from scikit-image."""
    rng = np.random.default_rng(0)
    originals = [data.coffee(), data.astronaut(), data.chelsea()]
    squares = []
    for i in range(count):
        original = originals[i % 3]
        top, left = rng.integers(0, np.array(original.shape[:2]) - SIDE + 1)
        squares.append(np.ascontiguousarray(original[top : top + SIDE, left : left + SIDE]))
    return squares


def packed(folder: Path, squares: list[Pixels]) -> Pack:
    """The images in several packs."""
    indices = []
    for part in range(PACKS):
        named = ((f"{part}/{i}", square) for i, square in enumerate(squares[part::PACKS]))
        write_pack(folder / f"{part}.parquet", folder / f"{part}.pixels", named, stage="bench", cfg={})
        indices.append(read_table(folder / f"{part}.parquet", PACK))
    return Pack(pd.concat(indices, ignore_index=True))


def settings(patches: int) -> TrainingSettings:
    return TrainingSettings(
        seed=0,
        epochs=1,
        patches=patches,
        batch_size=BATCH,
        crop=CROP,
        flip=True,
        learning_rates={},
        schedule="constant",
        multi_level=False,
        backbone="none",
    )


def folder_loader(folder: Path, squares: list[Pixels], samples: int, workers: int) -> DataLoader[Any]:
    """What a torchvision user would write."""
    (folder / "all").mkdir(parents=True, exist_ok=True)
    for i, square in enumerate(squares):
        Image.fromarray(square).save(folder / f"all/{i:05d}.png", compress_level=1)
    transform = v2.Compose([v2.RandomCrop(CROP), v2.RandomHorizontalFlip(), v2.PILToTensor()])
    dataset = datasets.ImageFolder(str(folder), transform)
    sampler = RandomSampler(dataset, replacement=True, num_samples=samples)
    return DataLoader(dataset, BATCH, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)


def rate(loader: Iterable[Any], size_of: Any, count: int) -> tuple[float, float]:
    """Crops a second of wall time, and of processor time of this process, after a first batch."""
    items = iter(loader)
    next(items)
    began, cpu = time.monotonic(), time.process_time()
    crops = sum(size_of(item) for item in itertools.islice(items, count))
    return crops / (time.monotonic() - began), crops / (time.process_time() - cpu)


def main(count: int, steps: int) -> None:
    """Prints the table."""
    squares = images(count)
    with tempfile.TemporaryDirectory() as name:
        pack = packed(Path(name), squares)
        patches = -(-(steps + 1) * BATCH // count)
        rows = np.arange(count)
        for _ in range(2):  # the first pass fills the page cache
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            ours = rate(take_ahead(batches(pack, rows, settings(patches), 0)), lambda b: len(b.pixels), steps)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        peers = {}
        for workers in (2, 0):
            some = max(2, steps // 20)
            loader = folder_loader(Path(name) / "png", squares, (some + 1) * BATCH, workers)
            peers[workers] = rate(loader, lambda item: len(item[0]), some)
    print(f"{count} images of {SIDE}x{SIDE}, crops of {CROP}x{CROP}, batches of {BATCH}")
    print("loader                               crops/s  crops/s of processor time")
    print(f"packs, one thread                  {ours[0]:>9.0f}{ours[1]:>27.0f}")
    print(f"torchvision, PNG, two workers      {peers[2][0]:>9.0f}")
    print(f"torchvision, PNG, in this process  {peers[0][0]:>9.0f}{peers[0][1]:>27.0f}")
    verdict = "reached" if ours[0] >= GOAL else "NOT reached"
    print(f"{ours[0] / peers[2][0]:.1f} times the folder loader; the goal of {GOAL} a second is {verdict}")
    size = count * SIDE * SIDE * 3 / 2**20
    print(f"the pack is {size:.0f} MiB; its second pass grew the process by {grown:.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="?", default=1024)
    parser.add_argument("batches", type=int, nargs="?", default=100)
    words = parser.parse_args()
    main(words.images, words.batches)
