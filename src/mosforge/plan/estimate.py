"""An estimate of a run before its first job: crops, hours and disk."""

import contextlib
import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.parallel import available_threads
from mosforge.core.runs import budget_of
from mosforge.core.values import GRID_CROPS
from mosforge.finetuning.finetune_settings import MOST_REHEARSED, FinetuningSettings
from mosforge.plan.plan import Plan
from mosforge.plan.rule_parts import source_of
from mosforge.training.settings import TrainingSettings

CHANGES_NO_RESULT = "words for people before a run"

CROPS_OF_A_CORE = 9.0
"""Crops of 224 pixels a second that a processor core trains EfficientNet-Lite0 on (measured: 17.8 on two)."""

CROPS_OF_A_GPU = 1000.0
"""The same on a GPU: an assumption on the safe side (a prototype on an H100, its pixels in memory: 4,095)."""

MOST_CORES = 8
"""Threads of a training, as its rule asks for them."""

_TRAINED_PER_SCORED = 3  # crops that are only scored need the forward pass of the three
_SECONDS_OF_AN_IMAGE = 0.15  # on a core: an image is distorted, scored and packed
_BYTES_OF_A_PIXEL = 1.7  # of a distorted image on the disk, the mean over the types of the corpus `synthetic`
_PIXELS = 640 * 480  # of an image whose size is not known
_SAMPLED = 20  # images of a source or dataset, about, whose sizes are read

Job = tuple[str, Any]
"""The rule of a job, and its wildcards."""


@dataclass
class Work:
    """What jobs have to do."""

    trained: Counter[str] = field(default_factory=Counter)  # crops to train on, by backbone
    frozen: Counter[str] = field(default_factory=Counter)  # those that pass through a frozen backbone
    scored: Counter[str] = field(default_factory=Counter)  # crops of which only scores or features are wanted
    images: float = 0.0  # distorted images to make
    disk: float = 0.0  # bytes to write that stay

    def of_training(self, cfg: TrainingSettings) -> Counter[str]:
        """Where the crops of a training are counted."""
        return self.frozen if cfg.frozen_stages == "all" else self.trained


def has_gpu() -> bool:
    """Whether the machine has an NVIDIA GPU, without importing torch."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def assumed_rate() -> float:
    """Crops a second that this machine is assumed to train on."""
    return CROPS_OF_A_GPU if has_gpu() else CROPS_OF_A_CORE * min(available_threads(), MOST_CORES)


def estimate(plan: Plan, jobs: Iterable[Job], results: Path = Path("results")) -> str:
    """What a run has to do, in one paragraph for people; empty where little is to be done.

    Args:
        plan: of the run.
        jobs: those that it has to do.
        results: the folder of the results: trainings that were made there say how fast this machine is.
    """
    work = work_of(plan, jobs)
    if not (work.trained or work.frozen or work.images):
        return ""
    forward = work.scored + work.frozen
    rates = {backbone: measured_rate(results, backbone) for backbone in work.trained | forward}
    seconds = work.images * _SECONDS_OF_AN_IMAGE / available_threads()
    for backbone, measured in rates.items():
        rate = measured or assumed_rate()
        seconds += work.trained[backbone] / rate + forward[backbone] / (_TRAINED_PER_SCORED * rate)
    basis = "measured in earlier trainings here" if all(rates.values()) else "assumed, not measured"
    shown = sum(measured or assumed_rate() for measured in rates.values()) / max(1, len(rates))
    pace = f" ({basis}: {shown:,.0f} crops a second)" if rates else ""
    crops = work.trained.total() + work.frozen.total()
    return (
        f"Estimate: {work.images:,.0f} distorted images, {crops:,} crops to train on and "
        f"{work.scored.total():,} to score: about {_duration(seconds)} on this machine{pace}; "
        f"about {_size(work.disk)} of disk."
    )


def work_of(plan: Plan, jobs: Iterable[Job]) -> Work:
    """Adds up what jobs have to do; sizes of images are those of a sample."""
    work, sides = Work(), _Sizes(plan)
    for rule, which in jobs:
        if rule == "distort":
            made = sides.distorted(which)
            work.images += made
            if plan.corpora.keeps_images:
                work.disk += made * sides.pixels(source_of(which.shard)) * _BYTES_OF_A_PIXEL
        elif rule == "pack_shard":
            pixels = plan.trainings.pack().resize ** 2 or sides.pixels(source_of(which.shard))
            work.disk += 3 * sides.distorted(which) * pixels
        elif rule == "pack_dataset":
            work.disk += 3 * sides.images_of(which.dataset) * sides.pixels_of(which.dataset)
        elif rule in ("pretrain", "pretrain_authentic"):
            corpora = plan.corpora.parts(which.corpus)
            images = sum(map(plan.corpora.image_count, corpora))
            pretraining = plan.trainings.pretraining(which)
            work.of_training(pretraining)[which.backbone] += pretraining.epochs * images
        elif rule == "finetune":
            cfg = plan.trainings.finetuning(which)
            share = plan.datasets.training_share(which.split)
            images = budget_of(which.split) or round(share * sides.images_of(which.dataset))
            seen = cfg.patches * images
            if cfg.rehearsal is not None:
                seen += 2 * cfg.rehearsal.pairs * math.ceil(seen / cfg.batch_size)
            work.of_training(cfg)[which.backbone] += cfg.epochs * seen
            if cfg.head_first is not None:
                work.scored[which.backbone] += GRID_CROPS * images + _rehearsed_first(plan, cfg)
        elif rule == "predict":
            share = 1.0
            if which.dataset == which.test_dataset:
                share -= plan.datasets.training_share(which.split)
            images = round(share * sides.images_of(which.test_dataset))
            crops = plan.evaluation.predict_settings(which).crops
            work.scored[which.backbone] += _crops(crops) * images
        elif rule in ("features", "features_on_split"):
            crops = plan.evaluation.features_settings(which).feature_crops
            work.scored[which.backbone] += crops * sides.images_of(which.test_dataset)
        elif rule == "sanity":
            settings = plan.sanity.settings(which.model)
            work.scored[settings.backbone] += _crops(settings.crops) * plan.sanity.image_count()
    return work


def _rehearsed_first(plan: Plan, cfg: FinetuningSettings) -> int:
    """Crops of the images that a head rehearses which is trained first; 0 where it rehearses none."""
    if cfg.rehearsal is None:
        return 0
    corpus = cfg.rehearsal.corpus
    pristine = sum(map(plan.sources.image_count, plan.corpora.sources(corpus)))
    return round(plan.corpora.image_count(corpus) * min(1.0, MOST_REHEARSED / max(1, pristine)))


def _crops(crops: int | str) -> int:
    return GRID_CROPS if isinstance(crops, str) else crops


def measured_rate(results: Path, backbone: str) -> float | None:
    """The median crops a second of a backbone's trainings in a folder of results; None without any.

    Trainings with a frozen backbone, which cost a forward pass, do not count.
    """
    from mosforge.core.schemas.training import HISTORY
    from mosforge.core.tables import read_table

    found = []
    for stage in ("pretraining", "finetuning"):
        for file in sorted((results / stage).glob(f"**/{backbone}/*/{layout.HISTORY}")):
            try:
                if not _has_frozen_backbone(file.with_name(layout.CARD)):
                    found += read_table(file, HISTORY)["images_per_second"].tolist()
            except (MosforgeError, OSError):
                continue
    return statistics.median(found) if found else None


def _has_frozen_backbone(card: Path) -> bool:
    """Whether the card of a model says so; a damaged one is for those who need more of it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return bool(json.loads(card.read_text(encoding="utf-8")).get("frozen_stages") == "all")
    return False


class _Sizes:
    """Numbers and mean sizes of images; each is found once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.pixels = cache(self._pixels)
        self.pixels_of = cache(self._pixels_of)

    def distorted(self, which: Any) -> float:
        """Distorted images of a shard, whose wildcards are given, on average over those of its source."""
        source = source_of(which.shard)
        images = self._plan.sources.image_count(source) / max(1, self._plan.sources.shards(source))
        return self._plan.corpora.versions(which.corpus, which.group, source) * images

    def images_of(self, dataset: str) -> int:
        """Scored images of a target dataset."""
        pictures = self._plan.datasets.entries[dataset].pictures
        if pictures:
            return self._plan.corpora.image_count(pictures)
        return self._plan.datasets.image_count(dataset)

    def _pixels(self, source: str) -> float:
        """Pixels of an image of a source."""
        entry = self._plan.sources.collections[source]
        if entry.packaged is not None:
            return float(entry.packaged.tile**2)
        return _mean_pixels(self._plan.sources.images(source))

    def _pixels_of(self, dataset: str) -> float:
        """Pixels of an image of a target dataset."""
        entry = self._plan.datasets.entries[dataset]
        if entry.pictures:
            return self.pixels(self._plan.corpora.sources(entry.pictures)[0])
        return _mean_pixels(self._plan.datasets.image_files(dataset))


def _mean_pixels(images: Sequence[tuple[str, Path]]) -> float:
    """Pixels of an image, the mean of a sample."""
    from mosforge.core.images import open_image

    found = []
    for _, file in images[:: math.ceil(len(images) / _SAMPLED) or 1]:
        with contextlib.suppress(MosforgeError, OSError), open_image(file) as image:
            found.append(image.width * image.height)
    return statistics.fmean(found) if found else _PIXELS


def _duration(seconds: float) -> str:
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} hours" if seconds < 2 * 86400 else f"{seconds / 86400:.1f} days"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"
