"""Scores of kinds of images that a training may not show, each clean and distorted:
`python tests/benchmarks/bench_kinds.py [--model DIR] [--save FOLDER]`.

The images are drawn here, or come with scikit-image. A line has the score of the clean image, the scores of
the image after a strong blur, JPEG compression, noise and darkening, each marked with ! where it is not below
that of the clean image, and the likeliest distortion that the model names for the clean image. A model that
knows a kind scores a clean image of it high, names no distortion, and has no mark.
"""

import argparse
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from skimage import data

from mosforge import Scorer, distort
from mosforge.core.images import Pixels

LEVELS = {"gaussian_blur": 3, "jpeg": 4, "white_noise": 3, "underexposure": 2}
WORDS = "The quick brown fox jumps over the lazy dog while the five boxing wizards judge its style. "


def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    return ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def plot() -> Pixels:
    """A diagram of lines and points."""
    figure = Figure((8, 6), dpi=96)
    axes = figure.subplots()
    x = np.linspace(0, 10, 200)
    for k in range(1, 5):
        axes.plot(x, np.sin(k * x) / k, label=f"sin({k} x) / {k}")
    axes.scatter(x[::9], np.cos(x[::9]), c="black")
    axes.set(title="Damped waves", xlabel="time", ylabel="height")
    axes.legend()
    stream = BytesIO()
    figure.savefig(stream)
    return np.asarray(Image.open(stream).convert("RGB"))


def drawing() -> Pixels:
    """A cartoon of plain colours with black outlines."""
    image = Image.new("RGB", (768, 576), "skyblue")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 400, 768, 576), fill="yellowgreen")
    draw.ellipse((600, 40, 720, 160), fill="gold", outline="black", width=4)
    draw.rectangle((220, 250, 520, 470), fill="khaki", outline="black", width=5)
    draw.polygon([(190, 250), (370, 110), (550, 250)], fill="firebrick", outline="black", width=5)
    draw.rectangle((340, 350, 410, 470), fill="sienna", outline="black", width=5)
    for x in (250, 440):
        draw.rectangle((x, 290, x + 55, 340), fill="white", outline="black", width=4)
    for x in range(40, 180, 45):
        draw.ellipse((x - 30, 300, x + 50, 400), fill="forestgreen", outline="black", width=4)
    return np.asarray(image)


def screenshot() -> Pixels:
    """A window with a bar, a list and a page of text."""
    image = Image.new("RGB", (1280, 800), "#e8e8ec")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1280, 36), fill="#2d3446")
    draw.text((14, 8), "Documents  -  report.txt", font=font(16), fill="white")
    draw.rectangle((0, 36, 260, 800), fill="#f7f7fa", outline="#b8bcc8")
    for k in range(24):
        draw.text((22, 52 + 30 * k), f"report {k + 1:02d}.txt", font=font(14), fill="#333")
    draw.rectangle((290, 60, 1250, 770), fill="white", outline="#b8bcc8")
    for k in range(28):
        draw.text((314, 80 + 24 * k), (WORDS * 2)[k : k + 105], font=font(15), fill="black")
    return np.asarray(image)


def text() -> Pixels:
    """A page of large black text."""
    image = Image.new("RGB", (768, 768), "white")
    for k in range(18):
        ImageDraw.Draw(image).text(
            (40, 30 + 40 * k), (WORDS * 2)[3 * k : 3 * k + 42], font=font(26), fill="black"
        )
    return np.asarray(image)


def night() -> Pixels:
    """A dark scene with lamps, blooms and faint noise of a sensor."""
    dark = 0.16 * (data.coffee() / 255.0) ** 1.5
    lamps = Image.new("L", (600, 400))
    for x, y, r in ((90, 60, 7), (210, 90, 5), (330, 50, 8), (470, 110, 6), (560, 70, 7)):
        ImageDraw.Draw(lamps).ellipse((x - r, y - r, x + r, y + r), fill=255)
    glow = 2 * np.asarray(lamps.filter(ImageFilter.GaussianBlur(14))) / 255.0 + np.asarray(lamps) / 255.0
    light = dark + glow[..., None] * np.array([1.0, 0.85, 0.6])
    noise = np.random.default_rng(0).normal(0, 0.008, light.shape)
    return np.clip(255 * (light + noise), 0, 255).round().astype(np.uint8)


def grey(pixels: Pixels) -> Pixels:
    """Black and white, as three equal channels."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def plain(level: int) -> Pixels:
    """One colour."""
    return np.full((512, 512, 3), level, np.uint8)


def noise() -> Pixels:
    """Independent random samples."""
    return np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)


def gradient() -> Pixels:
    """A smooth sky of two colours."""
    steps = np.linspace(0, 1, 512)[:, None, None]
    colours = steps * np.array([250, 200, 150]) + (1 - steps) * np.array([40, 90, 200])
    return np.broadcast_to(colours, (512, 640, 3)).round().astype(np.uint8)


def blurred_behind() -> Pixels:
    """A portrait's sharp middle before a blurred background, as a wide aperture gives it."""
    sharp = Image.fromarray(data.astronaut())
    mask = Image.new("L", sharp.size)
    ImageDraw.Draw(mask).ellipse((130, 10, 340, 500), fill=255)
    soft = sharp.filter(ImageFilter.GaussianBlur(9))
    return np.asarray(Image.composite(sharp, soft, mask.filter(ImageFilter.GaussianBlur(12))))


KINDS: dict[str, Callable[[], Pixels]] = {
    "photograph (coffee)": data.coffee,
    "animal (cat)": data.chelsea,
    "face (astronaut)": data.astronaut,
    "blurred background": blurred_behind,
    "black and white": lambda: grey(data.coffee()),
    "black and white (camera)": lambda: grey(data.camera()),
    "night": night,
    "rocket in the dark": data.rocket,
    "drawing": drawing,
    "diagram": plot,
    "screenshot": screenshot,
    "text, drawn": text,
    "texture (bricks)": lambda: grey(data.brick()),
    "coins": lambda: grey(data.coins()),
    "galaxies": data.hubble_deep_field,
    "microscope": data.immunohistochemistry,
    "retina": data.retina,
    "smooth gradient": gradient,
    "plain grey": lambda: plain(128),
    "plain black": lambda: plain(0),
    "plain white": lambda: plain(255),
    "noise only": noise,
}


def rows(scorer: Scorer, save: Path | None) -> Iterator[str]:
    """A line for each kind."""
    for kind, make in KINDS.items():
        pixels = make()
        clean = scorer.score(pixels)
        name, chance = next(iter((clean.distortions or {"-": 0.0}).items()))
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(save / f"{kind}.png")
        cells = []
        for type_, level in LEVELS.items():
            worse = scorer.score(distort(pixels, type_, level)).raw
            cells.append(f"{worse:13.3f}{' ' if worse < clean.raw else '!'}")
        yield f"{kind:26} {clean.raw:6.3f} {clean.spread:6.3f} {''.join(cells)}  {name} {chance:.2f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of a trained model (default: the built-in one)")
    parser.add_argument("--save", type=Path, help="folder for the clean images")
    options = parser.parse_args()
    scorer = Scorer(options.model, device="cpu")
    heads = "".join(f"{f'{name} {level}':>14}" for name, level in LEVELS.items())
    print(f"{'kind':26} {'clean':>6} {'spread':>6} {heads}  likeliest distortion of the clean image")
    for row in rows(scorer, options.save):
        print(row, flush=True)


if __name__ == "__main__":
    main()
