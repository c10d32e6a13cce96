"""`mosforge init`: a folder of a run of one's own, whose configuration is small enough to be run at once."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from mosforge.config.files import OWN, load_config
from mosforge.core.atomic import atomic_file
from mosforge.core.csv_files import number, read_csv
from mosforge.core.errors import MosforgeError
from mosforge.core.folders import PUT_THERE, find_images
from mosforge.finetuning.datasets.table import REFERENCE_IMAGE, file_of
from mosforge.finetuning.files import Folder
from mosforge.plan.estimate import CROPS_OF_A_GPU, assumed_rate, has_gpu

CHANGES_NO_RESULT = "it writes a configuration, from which all else follows"

SCALES = ((0.0, 1.0), (1.0, 5.0), (0.0, 5.0), (1.0, 10.0), (0.0, 10.0), (0.0, 100.0))
"""The usual scales of scores, the narrowest first."""

HOURS = 1.0
"""About how long the pretraining may take, and the fine-tunings together."""


@dataclass(frozen=True)
class Ratings:
    """What was found in a table of ratings."""

    table: Path
    images: Path
    count: int
    scale: tuple[float, float]
    higher_is_better: bool
    has_references: bool
    has_split: bool


def read_ratings(
    table: Path, images: Path | None, scale: tuple[float, float] | None, higher_is_better: bool
) -> Ratings:
    """Looks at a table of ratings.

    Args:
        table: the CSV.
        images: the folder of its images; by default that of the table.
        scale: lowest and highest possible score; by default the narrowest usual scale that holds all scores.
        higher_is_better: false for DMOS.

    Raises:
        MosforgeError: there is no such table, it cannot be read, its first image is not there, or a score is
            none or lies outside the scale.
    """
    if not table.is_file():
        raise MosforgeError(f"{table}: no such table of ratings; correct the name after --ratings")
    rows = read_csv(table, ("image", "mos"))
    if not rows:
        raise MosforgeError(f"{table}: there is no rating in it")
    folder = table.parent if images is None else images
    if Folder(folder).find(file_of(PurePosixPath(), rows[0]["image"])) is None:
        raise MosforgeError(
            f"{table}: the image {rows[0]['image']} is not below {folder}; name it with --images"
        )
    scores = [number(table, row["mos"], row["image"]) for row in rows]
    if scale is not None:
        _check_scale(table, scale, scores)
    return Ratings(
        table=table.resolve(),
        images=folder.resolve(),
        count=len(rows),
        scale=scale or _scale_of(table, scores),
        higher_is_better=higher_is_better,
        has_references=any(row.get(REFERENCE_IMAGE) for row in rows),
        has_split={"train", "test"} <= {row.get("split") for row in rows},
    )


def _check_scale(table: Path, scale: tuple[float, float], scores: Sequence[float]) -> None:
    lowest, highest = scale
    if not (lowest < highest and math.isfinite(highest - lowest)):
        raise MosforgeError(
            f"--range {lowest:g} {highest:g}: give the lowest, then the highest possible score"
        )
    if min(scores) < lowest or max(scores) > highest:
        raise MosforgeError(
            f"--range {lowest:g} {highest:g}: the scores of {table} go from {min(scores):g} to "
            f"{max(scores):g}"
        )


def _plain(value: float) -> str:
    """A number as YAML reads it back: it takes 1e+06 for a text."""
    return str(int(value)) if value.is_integer() else yaml.safe_dump(value).split()[0]


def _scale_of(table: Path, scores: Sequence[float]) -> tuple[float, float]:
    for lowest, highest in SCALES:
        if all(lowest <= score <= highest for score in scores):
            return lowest, highest
    raise MosforgeError(
        f"{table}: the scores go from {min(scores):g} to {max(scores):g}, which is no usual scale; give the "
        "lowest and the highest possible score with --range"
    )


def write_run(folder: Path, photos: Path, ratings: Ratings) -> Path:
    """Writes the configuration of a run into a new folder.

    Args:
        folder: of the run.
        photos: a folder of pristine images.
        ratings: see `read_ratings`.

    Returns:
        The file.

    Raises:
        MosforgeError: there is a configuration already, or no image among the photos.
    """
    file = folder / OWN
    if file.exists():
        raise MosforgeError(f"{file}: there is a run in this folder; name another with --directory")
    if not photos.is_dir():
        raise MosforgeError(f"{photos}: no such folder; correct the name after --photos")
    count = len(find_images(photos))
    if not count:
        raise MosforgeError(f"{photos}: there is no image in this folder; {PUT_THERE}")
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as temporary:
        temporary.write_text(configuration(photos.resolve(), count, ratings), encoding="utf-8")
    return file


def configuration(photos: Path, count: int, ratings: Ratings) -> str:
    """The text of a small configuration that runs.

    Args:
        photos: the folder of the pristine images.
        count: their number.
        ratings: the table of ratings.
    """
    classes = sum(map(len, load_config().distortions.levels("synthetic").values()))
    size = preset(count * classes, ratings.count, official=ratings.has_split)
    comparisons = ["psnr", "ssim", "brisque"] if ratings.has_references else ["brisque"]
    splits = "\n      splits: [official]" if ratings.has_split else ""
    machine = "a GPU" if has_gpu() else "a machine without a GPU"
    return f"""\
# A run of your own, which `mosforge init` wrote for {count:,} pristine images, {ratings.count:,} ratings
# and {machine}. It holds what differs from config.yaml, whose sources, corpora, datasets
# and experiments are not used. The sizes are chosen so that the pretraining takes about an hour, and all
# fine-tunings together another hour; longer trainings may be better.
#     snakemake --directory FOLDER -- mine report        with the folder of this file
sources:
  collections:
    # good images: sharp, without visible noise or compression
    photos: {{folder: {json.dumps(str(photos), ensure_ascii=False)}}}

distortions:
  corpora:
    # {count:,} x {classes} = {count * classes:,} distorted images
    synthetic: {{kind: synthetic, sources: [photos]}}

pretraining:
  epochs: {size["epochs"]}
  batch_size: {size["batch_size"]}
  # higher than the paper's, which are for 852,891 images
  learning_rates:
    synthetic: {{backbone: 1.0e-4, classification: 1.0e-3, score: 1.0e-3}}
  schedule: cosine

finetuning:
  datasets:
    ratings:
      layout: table
      folder: {json.dumps(str(ratings.table.parent), ensure_ascii=False)}
      table: {json.dumps(ratings.table.name, ensure_ascii=False)}
      images: {json.dumps(str(ratings.images), ensure_ascii=False)}
      # lowest and highest possible score
      range: [{", ".join(map(_plain, ratings.scale))}]
      higher_is_better: {json.dumps(ratings.higher_is_better)}
      corpus: synthetic{splits}
  # random splits, 80% to train on and 20% to test on; each is trained once for each initialisation
  splits: {{seeds: {list(range(1, size["splits"] + 1))}}}
  patches: {size["patches"]}
  epochs: {size["tuning_epochs"]}
  batch_size: {size["tuning_batch_size"]}
  learning_rates: {{backbone: 1.0e-4, head: 1.0e-3}}
  schedule: cosine

evaluation:
  # the crops that mosforge score takes
  crops: grid
  experiments:
    # ImageNet weights only, and the pretraining on your images, side by side
    mine:
      datasets: [ratings]
      backbones: [efficientnet_lite0]
      initialisations: [imagenet, multitask]
      comparisons: [{", ".join(comparisons)}]

report:
  title: {json.dumps(f"Pretrained on {photos.name}, tested on {ratings.table.name}", ensure_ascii=False)}
"""


def preset(images: int, ratings: int, *, official: bool) -> Mapping[str, int]:
    """Sizes of the trainings, so that both kinds take about `HOURS` each at the rate assumed of this machine.

    Args:
        images: number of distorted images.
        ratings: number of rated images.
        official: the table has its own split, so that there is one training for each initialisation.
    """
    rate = assumed_rate()
    budget, gpu = HOURS * 3600 * rate, rate >= CROPS_OF_A_GPU
    splits = 10 if gpu else 3
    trainings = 2 * (1 if official else splits)
    passes = max(3, int(budget / trainings / max(1.0, 0.8 * ratings)))
    tuning_epochs = min(10, passes)
    return {
        "epochs": min(30, max(1, int(budget / images))),
        "batch_size": 128 if gpu else 32,
        "splits": splits,
        "patches": min(100, max(1, math.floor(passes / tuning_epochs))),
        "tuning_epochs": tuning_epochs,
        "tuning_batch_size": 32 if gpu else 16,
    }
