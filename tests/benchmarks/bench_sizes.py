"""The score of the same image at several sizes, by the size that the model is shown:
`python tests/benchmarks/bench_sizes.py FOLDER [--model DIR] [--images N]`.

FOLDER holds good images of about half a megapixel, such as the Kodak images. Each is enlarged or shrunk
(Lanczos) to 0.2, 1, 6 and 24 megapixels. For every longest shorter side that is shown in its own size, a line
has the mean score at each size and the mean distance of the scores at 24 megapixels from those at 1 and at
the size of the file.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mosforge.core.folders import find_images
from mosforge.core.images import Pixels, read_rgb
from mosforge.models.crops import grid_boxes, predict, view
from mosforge.models.folder import load_model
from mosforge.scoring.built_in import FOLDER

MEGAPIXELS = (0.2, None, 1.0, 6.0, 24.0)
SIDES = (384, 512, 640, 768, 1024, None)


def resized(pixels: Pixels, megapixels: float | None) -> Pixels:
    """The image at another size, of the same shape; None: at its own."""
    if megapixels is None:
        return pixels
    factor = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    size = tuple(round(factor * side) for side in pixels.shape[1::-1])
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def main() -> None:
    """Scores the images, and prints a line for each size that is shown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--images", type=int, help="the first of them (default: all)")
    options = parser.parse_args()
    if options.folder is None:
        print("Nothing to do: name a folder of images")
        return
    torch.set_num_threads(1)
    network, card = load_model(options.model)
    names = find_images(str(options.folder))[: options.images]
    scores = np.empty((len(SIDES), len(MEGAPIXELS), len(names)))
    for k, name in enumerate(names):
        pixels = read_rgb(options.folder / name)
        for j, megapixels in enumerate(MEGAPIXELS):
            version = resized(pixels, megapixels)
            for i, side in enumerate(SIDES):
                shown = view(version, side)
                found = predict(
                    network, shown, grid_boxes(shown, card["crop"]), card["crop"], torch.device("cpu")
                )
                scores[i, j, k] = found.scores.mean()
    titles = [f"{size:g} MP" if size else "own" for size in MEGAPIXELS]
    print(f"{'side':>5} " + " ".join(f"{title:>7}" for title in titles) + "   24-1 MP  24-own")
    for side, of_side in zip(SIDES, scores, strict=True):
        own, one, largest = of_side[1], of_side[2], of_side[-1]
        distances = [np.abs(largest - other).mean() for other in (one, own)]
        means = " ".join(f"{mean:7.3f}" for mean in of_side.mean(axis=1))
        print(f"{side or 'none':>5} {means}   {distances[0]:7.3f} {distances[1]:7.3f}")


if __name__ == "__main__":
    main()
