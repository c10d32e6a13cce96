"""A small folder of results: real images, scores and correlations computed from them."""

import io
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from scipy import stats
from skimage import data, metrics

# tests are no packages, and share rows.py, pages.py and browser.py
sys.path.insert(0, str(Path(__file__).parent))

from pages import CFG

from mosforge.cli import main
from mosforge.core.files import sha256_of_file, write_json
from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES, VALIDATION
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
from mosforge.core.schemas.training import HISTORY
from mosforge.core.seeds import generator
from mosforge.core.tables import write_table
from mosforge.pmos.diagnose import diagnostics

PRISTINE = ("astronaut", "coffee", "chelsea")
BACKBONE = "efficientnet_lite0"
SIDE = 176


def pristine_image(name: str) -> Image.Image:
    image = Image.fromarray(getattr(data, name)())
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(0, 0, 300, 300))


def compressed(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def brighter(image: Image.Image, part: float) -> Image.Image:
    return Image.fromarray(((np.asarray(image) / 255 + part).clip(0, 1) * 255).astype(np.uint8))


def distorted(image: Image.Image) -> list[tuple[str, int, Image.Image]]:
    """Two types at five levels and one at two, weakest first."""
    blurred = [("gaussian_blur", image.filter(ImageFilter.GaussianBlur(s))) for s in (0.5, 1, 2, 4, 8)]
    coded = [("jpeg", compressed(image, quality)) for quality in (60, 30, 15, 7, 1)]
    bright = [("overexposure", brighter(image, part)) for part in (0.15, 0.3)]
    groups = itertools.groupby([*blurred, *coded, *bright], key=lambda item: item[0])
    return [(group, level, item) for group, items in groups for level, (_, item) in enumerate(items, 1)]


def similarity(reference: Image.Image, image: Image.Image) -> dict[str, float]:
    """Six numbers that behave as the six metrics do: four similarities and two distances."""
    pixels = [np.asarray(item, dtype=float) for item in (reference, image)]
    ssim = [
        metrics.structural_similarity(*pixels, win_size=size, data_range=255, channel_axis=2)
        for size in (3, 7, 11, 15)
    ]
    error = float(np.mean((pixels[0] - pixels[1]) ** 2)) / 255**2
    return dict(zip(("ssim", "ms_ssim", "vsi", "fsim"), map(float, ssim), strict=True)) | {
        "mdsi": error,
        "gmsd": error**0.5,
    }


def write_corpus(root: Path, corpus: str = "tiles") -> pd.DataFrame:
    rows = []
    catalogue = []
    for name in PRISTINE:
        reference = f"results/sources/tiles/{name}.png"
        (root / reference).parent.mkdir(parents=True, exist_ok=True)
        image = pristine_image(name)
        image.save(root / reference)
        catalogue.append(
            {
                "source": "tiles",
                "image_id": f"{name}.png",
                "path": reference,
                "sha256": sha256_of_file(root / reference),
                "width": SIDE,
                "height": SIDE,
                "format": "PNG",
                "mode": "RGB",
                "shard": 0,
            }
        )
        for index, (group, level, made) in enumerate(distorted(image)):
            path = f"results/distortions/{corpus}/{group}/0000/{name}-{level}.png"
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            made.save(root / path)
            scores = similarity(image, made)
            oriented = [-value if key in ("mdsi", "gmsd") else value for key, value in scores.items()]
            rows.append(
                {
                    "source": "tiles",
                    "image_id": f"{name}.png",
                    "reference": reference,
                    "group": group,
                    "level": level,
                    "class_index": index,
                    "labels": None,
                    "seed": index,
                    "path": path,
                    **scores,
                    "pmos": float(np.mean(oriented)),
                    "agreement": float(np.std(oriented)),
                }
            )
    results = root / "results"
    write_table(
        results / "sources/tiles.parquet", CATALOGUE, pd.DataFrame(catalogue), stage="sources", cfg={}
    )
    excluded = {
        "source": ["tiles"],
        "image_id": ["broken <b>.jpg"],
        "path": ["broken <b>.jpg"],
        "reason": ["the file is truncated"],
    }
    write_table(results / "sources/tiles.excluded.parquet", EXCLUDED, excluded, stage="sources", cfg={})
    leaks = {
        "source": ["tiles"],
        "image_id": ["kodim <19>.png"],
        "dataset": ["tid2013"],
        "image": ["resources/datasets/tid2013/reference_images/I19.BMP"],
        "matches": [88],
        "scale": [1.25],
        "mirrored": [False],
        "correlation": [0.998],
    }
    write_table(results / "sources/tiles.leaks.parquet", LEAKS, leaks, stage="sources", cfg={})
    table = pd.DataFrame(rows)
    write_table(results / f"pmos/{corpus}.parquet", LABELS, table, stage="pmos", cfg={})
    write_json(results / f"pmos/{corpus}.diagnostics.json", diagnostics(table))
    return table


def write_history(path: Path, seed: int, parts: bool) -> None:
    noise = generator("test-history", seed)
    epochs = np.arange(1, 9)
    loss = 0.3 * np.exp(-epochs / 3) + 0.05 + noise.normal(0, 0.004, len(epochs))
    rows = {
        "epoch": epochs,
        "loss": loss * (3 if parts else 1),
        "score_loss": loss if parts else [None] * len(epochs),
        "class_loss": loss * 2 if parts else [None] * len(epochs),
        "validation_srocc": [None] * len(epochs) if parts else 0.8 - loss,
        "images_per_second": [100.0] * len(epochs),
        "seconds": [1.0] * len(epochs),
    }
    write_table(path, HISTORY, rows, stage="finetuning", cfg={}, device="a fine GPU")


def write_run(results: Path, images: pd.DataFrame, run: tuple[str, ...], noise: float) -> dict[str, object]:
    """Predictions that are the label plus noise, and their correlations as scipy computes them."""
    names = ("dataset", "split", "backbone", "initialisation", "test_dataset")
    keys = dict(zip(names, run, strict=True)) | {"adaptation": "finetune" if run[2] == BACKBONE else "none"}
    draws = generator("test-predictions", *run)
    label = images["pmos"].to_numpy()
    quality = (label - label.min()) / (label.max() - label.min())
    prediction = 0.2 + 0.6 * quality + draws.normal(0, noise, len(quality))
    rows = {
        **{name: [value] * len(quality) for name, value in keys.items()},
        "seed": [0] * len(quality),
        "image": [path.replace("/", " ") for path in images["path"]],
        "path": list(images["path"]),
        "content": [path.replace("/", " ") for path in images["path"]],
        "mos": quality * 100,
        "quality": quality,
        "prediction": prediction,
        "spread": [0.01] * len(quality),
    }
    folder = results / "evaluation" / Path(*run[:4]) / keys["adaptation"]
    write_table(folder / f"{run[4]}.parquet", PREDICTIONS, rows, stage="evaluation", cfg={})
    if run[0] == run[4] and run[2] == BACKBONE:
        history = results / "finetuning" / Path(*run[:4]) / "history.parquet"
        write_history(history, int(draws.integers(99)), False)
    plcc = float(stats.pearsonr(prediction, quality)[0])
    values = {
        "srocc": float(stats.spearmanr(prediction, quality)[0]),
        "krocc": float(stats.kendalltau(prediction, quality)[0]),
        "plcc": plcc,
        "plcc_mapped": plcc,
        "rmse": float(np.sqrt(np.mean((prediction - quality) ** 2))),
    }
    counts = {"images": len(quality), "contents": len(quality), "other_contents": 4 * len(quality), "seed": 0}
    return keys | counts | {"mapping": "logistic"} | values | around(values)


def around(values: dict[str, float]) -> dict[str, float]:
    """Intervals, as the artefact `correlations` holds them."""
    return {f"{name}_low": value - 0.03 for name, value in values.items()} | {
        f"{name}_high": value + 0.02 for name, value in values.items()
    }


def write_validation(path: Path) -> None:
    values: dict[str, object] = {
        "images": 30,
        "krocc": 0.5,
        "plcc": 0.6,
        "plcc_mapped": 0.7,
        "rmse": 0.1,
        "mapping": "logistic",
    }
    values |= {"contents": 6, "srocc_within": 0.91, "srocc_within_low": 0.9, "srocc_within_high": 0.92}
    values |= around({name: value for name, value in values.items() if name in MEASURES})
    rows = [
        {"dataset": "own", "measure": measure, "fitted_on": source, **values, "srocc": srocc}
        | around({"srocc": srocc})
        for measure, source, srocc in (("fsim", None, 0.861), ("quantile", "tiles", 0.872))
    ]
    write_table(path, VALIDATION, pd.DataFrame(rows), stage="pmos", cfg={})


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`results/` of an experiment `table1` on tid2013 and `own`, a proxy, and of a crossed `table3`."""
    root = tmp_path_factory.mktemp("run")
    folder = root / "results"
    images = write_corpus(root)
    write_history(folder / f"pretraining/tiles/{BACKBONE}/multitask/history.parquet", 1, True)
    within = [
        write_run(folder, images, (dataset, split, BACKBONE, start, dataset), noise)
        for dataset in ("tid2013", "own")
        for split in ("1", "2", "3")
        for start, noise in (("imagenet", 0.3), ("tiles-multitask", 0.12))
    ]
    within += [
        write_run(folder, images, ("tid2013", split, "none", "fsim", "tid2013"), 0.15)
        for split in ("1", "2", "3")
    ]
    crossed = [
        write_run(folder, images, (train, "all", BACKBONE, "tiles-multitask", test), 0.2)
        for train, test in itertools.permutations(("live", "csiq", "own"), 2)
    ]
    for name, rows in (("table1", within), ("table3", crossed), ("ablation", within[:2])):
        table = pd.DataFrame(rows)
        write_table(folder / f"evaluation/{name}.parquet", CORRELATIONS, table, stage="evaluation", cfg={})
    write_validation(folder / "pmos/validation/own.parquet")
    for rule, seconds in (("pmos", 2.5), ("finetune", 75.0)):
        path = folder / f"benchmarks/{rule}/tiles.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(f"s\th:m:s\tmax_rss\tmax_vms\n{seconds}\t0:00:02\t120.50\t900\n")
    return folder


@pytest.fixture(scope="session")
def html(results: Path) -> str:
    """The text of a page with all of it, below `results/report/`."""
    output, figures = results / "report/index.html", results / "report/figures"
    words = ["report", "page", "--results", str(results), "--cfg", json.dumps(CFG)]
    assert main([*words, "--output", str(output), "--figures", str(figures)]) == 0
    return output.read_text(encoding="utf-8")
