"""Milliseconds a distorted image, type by type: `python tests/benchmarks/bench_distortions.py [RUNS]`.

One core, images of 512x384 from scikit-image, encoded and written to disk. Beside it, in the same
run, a plain implementation of the same classes with Pillow, NumPy and SciPy, one image at a time and
reading its original anew, and for JPEG and JPEG2000 the codec alone.
"""

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import data

from mosforge.config.files import load_config
from mosforge.core.images import Pixels, read_rgb
from mosforge.distortions.render import render

ROOT = Path(__file__).resolve().parents[2]
CORPUS = 852_891
Originals = dict[str, Pixels]


def originals() -> Originals:
    """Two images of 512x384."""
    return {
        "coffee": np.ascontiguousarray(data.coffee()[:384, :512]),
        "astronaut": np.ascontiguousarray(data.astronaut()[:384]),
    }


def plain(path: Path, name: str, value: float, out: Path) -> None:
    """One class of one image as it is usually written down."""
    image = Image.open(path).convert("RGB")
    if name == "jpeg":
        image.save(out.with_suffix(".jpg"), quality=max(int(value), 1), subsampling="4:2:0")
    elif name == "jpeg2000":
        image.save(out.with_suffix(".jp2"), **jpeg2000_options(value))
    elif name == "color_dither":
        palette = image.quantize(int(value))
        dithered = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        dithered.convert("RGB").save(out, compress_level=1)
    else:
        unit = PLAIN[name](np.asarray(image) / 255.0, value)
        pixels = np.clip(np.rint(unit * 255), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(out, compress_level=1)


def jpeg2000_options(bits_per_pixel: float) -> dict[str, object]:
    """What Pillow must be told for JPEG2000 at a rate."""
    rates = {"quality_mode": "rates", "quality_layers": [24 / bits_per_pixel]}
    return {**rates, "irreversible": True, "mct": 1}


def plain_blur(x: np.ndarray, size: float) -> np.ndarray:
    half, sigma = int(size) // 2, size / 6
    for axis in (0, 1):
        x = ndimage.gaussian_filter1d(x, sigma, axis=axis, mode="reflect", radius=half)
    return x


def plain_contrast(x: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    first, last = np.percentile(x, [1, 99], axis=(0, 1))
    return limits[0] + np.clip((x - first) / (last - first), 0, 1) * (limits[1] - limits[0])


def plain_pink(x: np.ndarray, weight: float) -> np.ndarray:
    k = np.fft.fftfreq(512, 1 / 512)
    radius = np.hypot(*np.meshgrid(k, k))
    radius[0, 0] = np.inf
    rng = np.random.default_rng(0)
    out = np.empty_like(x)
    for channel in range(3):
        field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((512, 512))) / radius).real
        field = Image.fromarray((field / np.abs(field).max()).astype(np.float32))
        resized = field.resize((x.shape[1], x.shape[0]), Image.Resampling.BICUBIC)
        out[:, :, channel] = x[:, :, channel] + weight * np.asarray(resized)
    return out


PLAIN: dict[str, Callable[..., np.ndarray]] = {
    "gaussian_blur": plain_blur,
    "white_noise": lambda x, k: x + np.random.default_rng(0).normal(0, 2 ** (k / 2), x.shape),
    "contrast": plain_contrast,
    "pink_noise": plain_pink,
    "overexposure": lambda x, amount: x + amount,
    "underexposure": lambda x, amount: x - amount,
}


def ours(pixels: Pixels, name: str, value: float, out: Path, compression: int) -> int:
    """One class of one image as a shard's worker makes it. Returns its bytes."""
    rng = np.random.Generator(np.random.PCG64(0))
    file, suffix = render(pixels, [(name, value)], "synthetic", rng, compression)
    out.with_suffix(suffix).write_bytes(file)
    return len(file)


def best(work: Callable[[], object], runs: int) -> float:
    """The least of several processor times, in milliseconds: the machine's other work only adds."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def codec_alone(pixels: Pixels, name: str, value: float, runs: int) -> float:
    """Milliseconds that the codec itself takes."""
    image = Image.fromarray(pixels)
    if name == "jpeg":
        return best(lambda: image.save(io.BytesIO(), "JPEG", quality=max(int(value), 1)), runs)
    return best(lambda: image.save(io.BytesIO(), "JPEG2000", **jpeg2000_options(value)), runs)


def main(runs: int) -> None:
    """Prints the table."""
    cv2.setNumThreads(1)
    levels = load_config().distortions.levels("synthetic")
    print("type            levels   ours ms  plain ms  ratio  codec ms      kB  kB png 0")
    totals = np.zeros(4)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.png"
        sources = {}
        for name, pixels in originals().items():
            sources[name] = Path(folder) / f"{name}.jpg"
            Image.fromarray(pixels).save(sources[name], quality=95)
        images = [(sources[name], pixels) for name, pixels in originals().items()]
        decoding = np.mean([best(lambda p=path: read_rgb(p), runs) for path, _ in images])
        for name, values in levels.items():
            sums = np.zeros(4)
            codec = 0.0
            for value in values:
                for path, pixels in images:
                    mine = best(lambda: ours(pixels, name, value, out, 1), runs)  # noqa: B023
                    theirs = best(lambda: plain(path, name, value, out), runs)  # noqa: B023
                    sizes = [ours(pixels, name, value, out, level) for level in (1, 0)]
                    sums += [mine, theirs, *sizes]
                    codec += codec_alone(pixels, name, value, runs) if name.startswith("jpeg") else 0
            sums[0] += decoding * len(images)  # one decoding an original and job
            count = len(values) * len(images)
            mean = sums / count
            alone = f"{codec / count:10.1f}" if codec else " " * 10
            print(
                f"{name:<15}{len(values):>7}{mean[0]:>10.1f}{mean[1]:>10.1f}{mean[1] / mean[0]:>7.1f}{alone}"
                f"{mean[2] / 1000:>8.0f}{mean[3] / 1000:>10.0f}"
            )
            totals += sums / len(images)
    classes = sum(map(len, levels.values()))
    mine, theirs, small, large = totals / classes
    ratio = theirs / mine
    print(f"\nmean of {classes} classes: {mine:.1f} ms, plain {theirs:.1f} ms, {ratio:.1f} times faster")
    print(f"images a second and core: {1000 / mine:.1f}, plain {1000 / theirs:.1f}")
    hours, *gigabytes = CORPUS * mine / 3_600_000, CORPUS * small / 1e9, CORPUS * large / 1e9
    space = "{:.0f} GB (png_compression 0: {:.0f} GB)".format(*gigabytes)
    print(f"{CORPUS:,} images: {hours:.1f} core hours, {space}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=2, help="of each class; the fastest counts")
    main(parser.parse_args().runs)
