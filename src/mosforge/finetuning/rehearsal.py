"""Rehearsal: pairs of levels of a synthetic corpus, so that a fine-tuned score still falls with distortion.

Fine-tuning on the scores of people forgets that a degraded image is worse than the same image before. So
each step also sees pairs of images that differ only in the level of one distortion, at the same crop.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.core.packs import Draws, Indices, locate
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.seeds import generator
from mosforge.core.tables import Frame, read_table
from mosforge.finetuning.finetune_settings import RehearsalSettings
from mosforge.training.batches import Beside
from mosforge.training.losses import Losses, LossOf

SMALLEST_MARGIN = 0.03
"""By how much the scores of a pair should differ at least, on [0, 1] (ours)."""

MARGIN_OF_LABELS = 0.4
"""The share of the difference of a pair's pseudo-MOS by which its scores should differ (ours)."""

CLASS_WEIGHT = 0.1
"""Factor of the loss of the classes, beside that of the score and of the pairs (ours)."""

_IMAGE = ["source", "image_id"]
_SERIES = [*_IMAGE, "group"]


@dataclass(frozen=True)
class Pairs:
    """The series of a corpus, one for each pristine image and distortion type, of which pairs are drawn."""

    members: Indices  # rows of the labels, series after series, each from the weakest level to the strongest
    starts: Indices  # where each series begins in `members`, (series,)
    lengths: Indices  # its levels, 2 at least, (series,)

    def draw(self, count: int, seed: int, epoch: int, step: int) -> tuple[Indices, Draws]:
        """The pairs of a step; they follow only from its seed, epoch and number.

        Each series is equally likely, and then every two of its levels.

        Returns:
            Rows of the labels, int64 (2 count,): the weaker images of all pairs, then the stronger; and
            numbers in [0, 1), (2 count, 3), that decide place and side of a crop: the same within a pair.
        """
        draw = generator("rehearsal", seed, epoch, step)
        series = draw.integers(len(self.starts), size=count)
        first = draw.integers(self.lengths[series])
        second = draw.integers(self.lengths[series] - 1)
        second += second >= first
        weaker, stronger = np.minimum(first, second), np.maximum(first, second)
        places = draw.random((count, 3), dtype=np.float32)
        rows = self.members[np.concatenate((self.starts[series] + weaker, self.starts[series] + stronger))]
        return rows, np.concatenate((places, places))


def find_pairs(labels: Frame) -> Pairs:
    """The series of a corpus' labels; an undistorted image is the weakest level of all series of its image.

    Args:
        labels: rows of the artefact `pmos`, of a corpus of one type in an image.

    Raises:
        MosforgeError: no image has two levels of a type.
    """
    rows = labels[[*_SERIES, "level"]].assign(row=np.arange(len(labels)))
    is_undistorted = rows["group"] == UNDISTORTED
    distorted = rows[~is_undistorted]
    undistorted = rows.loc[is_undistorted, [*_IMAGE, "row"]].assign(level=0)
    weakest = distorted[_SERIES].drop_duplicates().merge(undistorted, on=_IMAGE)
    ordered = pd.concat([distorted, weakest]).sort_values([*_SERIES, "level"])
    lengths = np.bincount(ordered.groupby(_SERIES, sort=False).ngroup())
    has_pairs = lengths >= 2
    if not has_pairs.any():
        raise MosforgeError("no image has two levels of a distortion type; rehearse another corpus")
    starts = np.cumsum(lengths) - lengths
    return Pairs(ordered["row"].to_numpy(np.int64), starts[has_pairs], lengths[has_pairs])


@dataclass(frozen=True)
class Rehearsal:
    """What a fine-tuning rehearses.

    Attributes:
        samples: the labels of the corpus, with the places of its images in their packs.
        cfg: how much of it.
    """

    samples: Frame
    cfg: RehearsalSettings

    @cached_property
    def digest(self) -> str:
        """The digest of all that the draws and the losses depend on, beside the settings."""
        columns = [*_SERIES, "level", "class_index", "pmos", "sha256"]
        return digest([self.samples[name].tolist() for name in columns])

    def of_some_images(self, most: int) -> Indices:
        """Rows of the samples of at most so many pristine images, drawn at random, image after image."""
        images = self.samples.groupby(_IMAGE, sort=True).indices
        drawn = generator("rehearsed images").permutation(len(images))[:most]
        rows = list(images.values())
        return np.concatenate([rows[place] for place in sorted(drawn)])

    def beside(self, first: int) -> Beside:
        """The crops of each step beside its batch.

        Args:
            first: row of the pack of the first of the samples.

        Raises:
            MosforgeError: no image has two levels of a type.
        """
        pairs = find_pairs(self.samples)
        rows = np.arange(first, first + len(self.samples))
        return Beside(rows, 2 * self.cfg.pairs, partial(pairs.draw, self.cfg.pairs))

    def add_to(self, loss_of: LossOf, rated: int, device: torch.device) -> LossOf:
        """The loss of a step: that of its rated images, and those of what it rehearses.

        Args:
            loss_of: the loss of the rated images, of their scores and positions.
            rated: their number, from which on positions are those of the samples.
            device: where it is computed.
        """
        labels = torch.tensor(self.samples["pmos"].to_numpy(np.float32), device=device)
        classes = torch.tensor(self.samples["class_index"].to_numpy(np.int64), device=device)

        def loss_of_both(output: Any, positions: Tensor) -> Losses:
            count = len(positions) - 2 * self.cfg.pairs
            logits, scores = output if isinstance(output, tuple) else (None, output)
            losses = loss_of(scores[:count], positions[:count])
            rows = positions[count:] - rated
            told = None
            if self.cfg.classes is not None:
                told = logits[count:, : self.cfg.classes], classes[rows]
            return with_pairs(losses, scores[count:], labels[rows], told)

        return loss_of_both


def with_pairs(
    losses: Losses, predicted: Tensor, labels: Tensor, told: tuple[Tensor, Tensor] | None, weight: float = 1.0
) -> Losses:
    """Losses of rated images, with those of pairs added.

    Args:
        losses: of the rated images.
        predicted: scores of the images of the pairs, as for `pair_losses`, (2 n,).
        labels: their pseudo-MOS, (2 n,).
        told: logits, (2 n, classes), and classes of these images, (2 n,), where the network tells them.
        weight: of the loss of the pairs.
    """
    pairs = pair_losses(predicted, labels)
    loss = losses["loss"] + weight * pairs["rehearsal_loss"]
    if told is not None:
        pairs["class_loss"] = functional.cross_entropy(*told)
        loss = loss + CLASS_WEIGHT * pairs["class_loss"]
    return {**losses, "loss": loss, **pairs}


def pair_losses(predicted: Tensor, labels: Tensor) -> Losses:
    """The mean hinge of pairs, and the share of them in the right order.

    Args:
        predicted: scores, higher is better: of the weaker images of all pairs, then of the stronger, (2 n,).
        labels: their pseudo-MOS in the same order, (2 n,).
    """
    margins = (MARGIN_OF_LABELS * differences(labels)).clamp(min=SMALLEST_MARGIN)
    falls = differences(predicted)
    in_order = (falls > 0).to(predicted.dtype).mean()
    return {"rehearsal_loss": torch.relu(margins - falls).mean(), "in_order": in_order}


def differences(values: Tensor) -> Tensor:
    """By how much the weaker images of pairs are above the stronger, (n,)."""
    weaker, stronger = values.chunk(2)
    return weaker - stronger


def read_rehearsal(labels: Path | None, pack: Path | None, cfg: RehearsalSettings | None) -> Rehearsal | None:
    """The images that a fine-tuning rehearses; None where it rehearses nothing.

    Args:
        labels: of the corpus, Parquet (artefact `pmos`).
        pack: the index of its packs, Parquet (artefact `pack`).
        cfg: how much of it.

    Raises:
        MosforgeError: one of the arguments is missing, the corpus has mixtures, or an image is not in the
            pack.
    """
    if len({given is None for given in (labels, pack, cfg)}) > 1:
        raise MosforgeError(
            "--rehearsal, --rehearsal_pack and the setting rehearsal are given together, or none"
        )
    if labels is None or pack is None or cfg is None:
        return None
    rows = read_table(labels, LABELS)
    if rows["class_index"].isna().any():
        raise MosforgeError(
            f"{labels}: mixtures have no levels to rehearse; name a corpus of one type in an image"
        )
    return Rehearsal(locate(rows, read_table(pack, PACK)), cfg)
