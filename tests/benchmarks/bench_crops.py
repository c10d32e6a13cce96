"""Agreement with people, and speed, by the crops of an image that a model scores:
`python tests/benchmarks/bench_crops.py DATASET SPLIT [--model DIR] [--images N]`.

DATASET and SPLIT are those of a run, such as results/finetuning/biq2021/dataset.parquet and
results/finetuning/biq2021/official/split.parquet; the images of its part `test` that share their scene with
no other part are scored. Each random crop goes through the network once: more begin with the fewer. The
loss stands beside the largest number of random crops, with the 95% bootstrap interval of the difference over
contents. The images a second are those of one core in float32, reading the file included.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import Frame, read_table
from mosforge.models.crops import Boxes, draw_boxes, grid_boxes, predict
from mosforge.models.devices import pick_device
from mosforge.models.folder import load_model
from mosforge.scoring.built_in import FOLDER
from mosforge.statistics.intervals import interval_of_difference

RANDOM = (1, 5, 15, 60)


def boxes_of(pixels: Pixels, size: int, name: str) -> dict[str, Boxes]:
    """The crops, by the way to choose them."""
    free = np.maximum(np.array(pixels.shape[:2]) - size, 0)

    def lattice(*parts: float) -> Boxes:
        every = [(int(a * free[0]), int(b * free[1]), size) for a in parts for b in parts]
        return np.array(list(dict.fromkeys(every)), np.int64)

    grid = grid_boxes(pixels, size)
    return {
        "random": draw_boxes(pixels, size, max(RANDOM), "bench", name),
        "centre": grid[:1],
        "grid": grid,
        "grid without the whole": grid[grid[:, 2] == size],
        "3x3": lattice(0.25, 0.5, 0.75),
        "corners and centre": np.concatenate([grid[:1], lattice(0.0, 1.0)]),
    }


def test_images(dataset: Path, split: Path, most: int | None) -> Frame:
    """The clean test images, or as many of them as are asked for."""
    parts = read_table(split, SPLIT)
    parts = parts[(parts["part"] == "test") & parts["clean"]][["image", "content"]]
    rows = read_table(dataset, DATASET).merge(parts, on="image")
    return rows if most is None else rows.sample(min(most, len(rows)), random_state=0)


def loss(scores: np.ndarray, best: np.ndarray, rows: Frame) -> str:
    """How much lower the SROCC is, with its interval."""
    given = rows["quality"].to_numpy()
    lower = spearmanr(best, given).statistic - spearmanr(scores, given).statistic
    low, high = interval_of_difference(best[None], scores[None], given, rows["content"].tolist(), "bench")
    return f"{lower:+.4f} ({low:+.4f} to {high:+.4f})"


def main() -> None:
    """Scores the images, and prints a line for each way to choose crops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("split", type=Path, nargs="?")
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--images", type=int, help="test images, drawn at random (default: all)")
    options = parser.parse_args()
    if options.split is None:
        print("Nothing to do: name the dataset and the split of a run")
        return
    torch.set_num_threads(1)
    device = pick_device("cpu")
    network, card = load_model(options.model)
    rows, size = test_images(options.dataset, options.split, options.images), card["crop"]
    if rows.empty:
        raise MosforgeError(f"{options.split}: no clean test image")
    scores: dict[str, list[float]] = {}
    most: dict[str, int] = {}
    passes, reading, seconds = 0, 0.0, 0.0
    for path, name in zip(rows["path"], rows["image"], strict=True):
        begun = time.process_time()
        pixels = read_rgb(path)
        reading += (time.process_time() - begun) / len(rows)
        for way, boxes in boxes_of(pixels, size, name).items():
            begun = time.process_time()
            found = predict(network, pixels, boxes, size, device).scores
            seconds += time.process_time() - begun
            passes += len(found)
            for count in RANDOM if way == "random" else (len(found),):
                label = f"random {count}" if way == "random" else way
                most[label] = max(most.get(label, 0), len(found[:count]))
                scores.setdefault(label, []).append(float(found[:count].mean()))
    values = {way: np.array(found) for way, found in scores.items()}
    best = values[f"random {max(RANDOM)}"]
    print(f"{len(rows)} test images, {passes / seconds:.1f} crops of {size} a second of one core")
    print(f"{'crops':22} {'SROCC':>7}  images/s  loss of SROCC (95% interval)")
    for way, found in values.items():
        srocc = spearmanr(found, rows["quality"]).statistic
        pace = 1 / (reading + most[way] * seconds / passes)
        print(f"{way:22} {srocc:7.4f} {pace:9.2f}  {loss(found, best, rows)}")


if __name__ == "__main__":
    main()
