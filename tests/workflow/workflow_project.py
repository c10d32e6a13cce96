"""A small project of a user's own images and ratings, and real runs of snakemake in it."""

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

REPOSITORY = Path(__file__).resolve().parents[2]
SIDE = 168

NETWORK = {"backbones": ["efficientnet_lite0"], "initialisations": ["imagenet", "multitask"]}

# Small images, few classes, one epoch: every stage and every experiment, nothing of the paper's size.
TINY = {
    "sources": {
        "shard_size": 3,
        "collections": {
            "photos": {"folder": "photos"},
            "rated": {"dataset": "rated"},
            "tiles": {
                "folder": "tiles",
                "images": 2,
                "packaged": {
                    "photographs": ["skimage/data/chelsea.png", "skimage/data/rocket.jpg"],
                    "tile": 168,
                    "stride": 500,
                },
            },
        },
    },
    "distortions": {
        "corpora": {
            "synthetic": {"sources": ["photos"]},
            "authentic": {"kind": "authentic", "sources": ["rated"], "total": 20},
            "mixtures": {"kind": "authentic", "sources": ["tiles"], "total": 20},
        },
        "synthetic": {
            "gaussian_blur": [7, 39],
            "white_noise": [-5.5, 0],
            "jpeg": [12, 0],
            "jpeg2000": [],
            "contrast": [],
            "pink_noise": [],
            "color_dither": [],
            "overexposure": [],
            "underexposure": [],
        },
    },
    "pretraining": {"resize": 96, "crop": 64, "epochs": 1, "batch_size": 16},
    "finetuning": {
        "datasets": {
            "rated": {
                "layout": "table",
                "folder": "rated",
                "table": "labels.csv",
                "images": "pictures",
                "range": [0, 10],
                "higher_is_better": True,
                "corpus": "authentic",
            },
            "stand_in": {"layout": "proxy", "pictures": "mixtures", "corpus": "synthetic"},
            # a table under the name of a dataset of the paper's, with reference images for a part
            "csiq": {
                "layout": "table",
                "folder": "compressed",
                "table": "dmos.csv",
                "images": ".",
                "range": [0, 1],
                "higher_is_better": False,
                "corpus": "synthetic",
            },
        },
        "splits": {"seeds": [1]},
        "rehearsal": {"corpus": "synthetic", "pairs": 2},
        "patches": 2,
        "crop": 64,
        "epochs": 1,
        "batch_size": 8,
    },
    "evaluation": {
        "crops": 3,
        "experiments": {
            "table1": {
                "datasets": ["live", "csiq"],  # the first is not there
                **NETWORK,
                "comparisons": ["psnr", "ssim", "fsim", "brisque"],
            },
            "table2": {
                "datasets": ["rated", "stand_in"],
                **NETWORK,
                "comparisons": ["psnr", "mdsi", "brisque"],
            },
            "table3": {"datasets": ["csiq", "rated"], **NETWORK, "initialisations": ["multitask"]},
            # one split whose pretraining has seen its training part
            "frozen": {
                "datasets": ["rated"],
                **NETWORK,
                "initialisations": ["imagenet", "multitask", "imagenet+multitask"],
                "adaptations": ["probe", "none"],
            },
            "ablation": {
                "datasets": ["csiq"],
                **NETWORK,
                "initialisations": ["imagenet", "cls", "reg", "multitask", "synthetic-rank"],
            },
        },
    },
}


def tiles(pixels: np.ndarray) -> list[Image.Image]:
    """Disjoint square pieces of an image."""
    rows, columns = (side // SIDE for side in pixels.shape[:2])
    return [
        Image.fromarray(pixels[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE])
        for i in range(rows)
        for j in range(columns)
    ]


def make_project(folder: Path) -> Path:
    """Images (one of them unreadable), two folders of rated images and `tiny.yaml` in a new folder."""
    (folder / "photos").mkdir(parents=True)
    for i, tile in enumerate(tiles(data.astronaut())[:4]):
        tile.save(folder / f"photos/astronaut_{i}.png")
    (folder / "photos/broken.jpg").write_bytes(b"not an image")
    images = folder / "rated/pictures"
    images.mkdir(parents=True)
    lines = ["image,mos"]
    # two images of one scene each, which the rule `contents` finds, so that one split part holds both
    for i, tile in enumerate(tiles(data.coffee())[:5]):
        for quality in (95, 10):
            tile.save(images / f"cup {i} ({quality}).jpg", quality=quality)
            lines.append(f"cup {i} ({quality}).jpg,{4.0 + i / 2 if quality == 95 else 1.0 + i / 4}")
    (folder / "rated/labels.csv").write_text("\n".join(lines) + "\n")
    _make_compressed(folder / "compressed")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    return folder


def _make_compressed(folder: Path) -> None:
    """Five JPEGs of each of six contents and their DMOS; the strongest has no word of its original."""
    folder.mkdir()
    lines = ["image,mos,reference,reference_image"]
    for i, tile in enumerate(tiles(load_sample_image("china.jpg"))):
        tile.save(folder / f"{i}.png")
        for quality, dmos in {90: 0.05, 50: 0.2, 25: 0.4, 10: 0.6, 3: 0.9}.items():
            tile.save(folder / f"{i}_{quality}.jpg", quality=quality)
            original = f"{i}.png" if quality > 3 else ""
            lines.append(f"{i}_{quality}.jpg,{dmos + i / 100},{i},{original}")
    (folder / "dmos.csv").write_text("\n".join(lines) + "\n")


def command_line(folder: Path, *words: str) -> list[str]:
    """Of snakemake in a project's folder with the repository's workflow."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--directory", str(folder), "--cores", "1", "--configfile", str(folder / "tiny.yaml")]
    return [*command, *words]


def snakemake(folder: Path, *words: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Runs snakemake in a project's folder and waits for its end."""
    return subprocess.run(
        command_line(folder, *words),
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def planned(result: subprocess.CompletedProcess[str]) -> Counter[str]:
    """The jobs of a dry run, by rule."""
    assert result.returncode == 0, result.stderr
    return Counter(re.findall(r"^(?:local)?rule (\w+):$", result.stdout + result.stderr, flags=re.MULTILINE))


def dry_run(folder: Path, *targets: str, hash_seed: str = "0") -> Counter[str]:
    """The jobs that a run would do, by rule."""
    words = ["--dry-run", "--nocolor", "--quiet", "host", "--", *(targets or ("all",))]
    return planned(snakemake(folder, *words, hash_seed=hash_seed))


def command(project: Path, *words: str) -> list[str]:
    """The words, after `mosforge`, of the first command of the fixture's run that has all these in it."""
    log = (project.parent / "log.txt").read_text()
    for line in re.findall(r"^Shell command: mosforge (.*)$", log, flags=re.MULTILINE):
        if all(word in line for word in words):
            return shlex.split(re.sub(r"\$\(dirname (\S+)/[^/)]+\)", r"\1", line))
    raise AssertionError(f"no command of the run has {words}")
