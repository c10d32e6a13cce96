"""The head alone learns the scores first, from features that the network computes once.

A head that follows the features of the backbone as it comes takes minutes to train, and the backbone forgets
nothing.
"""

import logging
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Indices, Pack
from mosforge.core.parallel import map_in_order
from mosforge.core.seeds import generator, seed_of
from mosforge.core.tables import Frame
from mosforge.finetuning.finetune_settings import MOST_REHEARSED, FinetuningSettings
from mosforge.finetuning.rehearsal import Pairs, Rehearsal, find_pairs, with_pairs
from mosforge.models.crops import draw_boxes, grid_view, predict
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.objectives import corpus_and_objective, learns_score
from mosforge.models.threads import start_threads

log = logging.getLogger(__name__)

LARGEST_BATCH = 64
"""Images in a step; of few images a quarter, so that an epoch has several steps (ours)."""

PAIRS_WEIGHT = 0.03
"""Factor of the loss of the pairs beside the squared error, which is smaller than an absolute one (ours)."""

_LEAST_CORRELATION = 0.5
"""Correlation of the learned with the given scores that their first scale is made for at least.

In few ratings it may come out near zero, or below, by chance. What was learned would then be lost (ours)."""

_SMALLEST_DEVIATION = 1e-3  # of a feature, so that one that hardly changes is not blown up


@dataclass(frozen=True)
class CropFeatures:
    """The features of the crops of some images, in the order of the images."""

    features: Tensor  # float32 (crops, width), image after image
    scores: Tensor  # of the head as it was, float64 (images,): means over the crops
    starts: Indices  # where each image begins, (images,)
    counts: Indices  # its crops, (images,)


@dataclass(frozen=True)
class RehearsedFeatures:
    """The features of one crop of each rehearsed image, at the same place in all images of a pristine one."""

    features: Tensor  # float32 (images, width)
    labels: Tensor  # their pseudo-MOS, (images,)
    classes: Tensor | None  # theirs, int64 (images,), where the head tells them
    pairs: Pairs
    in_step: int  # pairs in each step


def train_head_first(
    network: Network,
    images: Pack,
    training: Frame,
    quality: Tensor,
    view_side: int,
    cfg: FinetuningSettings,
    device: torch.device,
    threads: int = 1,
    rehearsal: Rehearsal | None = None,
    first: int = 0,
) -> None:
    """Trains the head on the features of the crops that a score is the mean over (`crops.grid_view`).

    Args:
        network: with its first weights; it goes to the device and into evaluation mode.
        images: of the training and other parts, and those that are rehearsed.
        training: the images of the training part; their index says which of `images` they are.
        quality: of these, in [0, 1], shape (n,).
        view_side: see `crops.view`.
        cfg: of the training.
        device: where the features are computed.
        threads: of the CPU, an image each.
        rehearsal: what is rehearsed.
        first: which of `images` is the first of its samples.

    Raises:
        MosforgeError: the pack is damaged, nothing can be rehearsed, or a weight is not finite.
    """
    images.check_some()
    network.to(device).eval()
    crops = crop_features(network, images, training.index.to_numpy(), view_side, cfg.crop, device, threads)
    rehearsed = None
    if rehearsal is not None:
        rehearsed = _rehearsed_features(network, images, rehearsal, first, cfg.crop, device, threads)
    network.head.cpu()
    with start_threads(1) as one:  # whose steps have the same bits on any machine of its kind
        one.submit(learn_scores, network.head, crops, quality.cpu(), cfg, rehearsed).result()
    network.to(device)


def _rehearsed_features(
    network: Network,
    images: Pack,
    rehearsal: Rehearsal,
    first: int,
    size: int,
    device: torch.device,
    threads: int,
) -> RehearsedFeatures:
    rows = rehearsal.of_some_images(MOST_REHEARSED)
    samples = rehearsal.samples.iloc[rows].reset_index(drop=True)

    def features_of(image: tuple[int, str, str]) -> Tensor:
        place, *name = image
        pixels = images.image(int(place))
        boxes = draw_boxes(pixels, size, 1, "rehearsed crop", *name)
        return torch.tensor(predict(network, pixels, boxes, size, device).features, dtype=torch.float32)

    places = zip(rows + first, samples["source"], samples["image_id"], strict=True)
    found = map_in_order(features_of, places, threads, start=start_threads)
    features = list(tqdm(found, total=len(rows), disable=None, unit="image"))
    classes = None
    if rehearsal.cfg.classes is not None:
        classes = torch.tensor(samples["class_index"].to_numpy(np.int64))
    labels = torch.tensor(samples["pmos"].to_numpy(np.float32))
    return RehearsedFeatures(torch.cat(features), labels, classes, find_pairs(samples), rehearsal.cfg.pairs)


def crop_features(
    network: Network,
    images: Pack,
    places: Indices,
    view_side: int,
    size: int,
    device: torch.device,
    threads: int = 1,
) -> CropFeatures:
    """What a network makes of the crops of some images.

    Args:
        network: in evaluation mode, on `device`.
        images: some pack.
        places: which of its images, shape (n,).
        view_side: see `crops.view`.
        size: side of a crop in pixels.
        device: the network's.
        threads: of the CPU, an image each.
    """

    def outputs_of(place: int) -> tuple[Tensor, float]:
        pixels, boxes = grid_view(images.image(int(place)), size, view_side)
        outputs = predict(network, pixels, boxes, size, device)
        return torch.tensor(outputs.features, dtype=torch.float32), float(outputs.scores.mean())

    found = map_in_order(outputs_of, places, threads, start=start_threads)
    features, scores = zip(*tqdm(found, total=len(places), disable=None, unit="image"), strict=True)
    counts = [len(one) for one in features]
    numbers = np.array(counts, np.int64)
    means = torch.tensor(scores, dtype=torch.float64)
    return CropFeatures(torch.cat(list(features)), means, np.cumsum(numbers) - numbers, numbers)


def learn_scores(
    head: MultiTaskHead | ScoreHead,
    crops: CropFeatures,
    quality: Tensor,
    cfg: FinetuningSettings,
    rehearsed: RehearsedFeatures | None = None,
) -> None:
    """Trains the score of a head, and its classes where they are rehearsed, on the processor.

    A step takes one crop of each of its images, and dropout leaves out some of the features. The loss is the
    squared error, the optimiser AdamW, whose rate falls to zero by half a cosine. The score that a pretrained
    head has learned is first brought to the scale of the given ones. Pairs that are rehearsed count little
    beside the images.

    Args:
        head: on the processor, with its first weights.
        crops: what it sees of the training images.
        quality: given qualities of these, in [0, 1], shape (n,).
        cfg: of the training.
        rehearsed: what it sees of the images that are rehearsed.

    Raises:
        MosforgeError: a weight is not finite.
    """
    _, objective = corpus_and_objective(cfg.initialisation)
    fit_scale(head, crops.scores, quality, learned=learns_score(objective))
    if isinstance(head, MultiTaskHead):
        mean, deviation = head.mean, head.deviation
    else:
        deviation, mean = torch.std_mean(crops.features, dim=0, correction=0)
        deviation += _SMALLEST_DEVIATION
    crops = replace(crops, features=(crops.features - mean) / deviation)
    if rehearsed is not None:
        rehearsed = replace(rehearsed, features=(rehearsed.features - mean) / deviation)
    _train(head, crops, quality, cfg, rehearsed)
    if isinstance(head, ScoreHead):
        head.take_in(mean, deviation)


def fit_scale(head: MultiTaskHead | ScoreHead, scores: Tensor, given: Tensor, *, learned: bool) -> None:
    """Brings scores that a head has learned to the scale of the given ones; others start at their mean.

    By least squares, but at least as for the least correlation.

    Args:
        head: of either kind.
        scores: of the training images, as the head gives them, shape (n,).
        given: qualities of these, in [0, 1], shape (n,).
        learned: whether the head has learned a score.
    """
    factor, offset = 0.0, float(given.mean())
    if learned and float(scores.max()) > float(scores.min()):
        factor, offset = map(float, np.polyfit(scores.numpy(), given.double().numpy(), 1))
        least = _LEAST_CORRELATION * float(given.double().std() / scores.std())
        if factor < least:
            factor, offset = least, float(given.double().mean() - least * scores.mean())
    if isinstance(head, MultiTaskHead):
        head.rescale(factor, offset)
    else:
        head.start_at(offset)


def _train(
    head: MultiTaskHead | ScoreHead,
    crops: CropFeatures,
    given: Tensor,
    cfg: FinetuningSettings,
    rehearsed: RehearsedFeatures | None,
) -> None:
    """Trains a head on standardised features."""
    first = cfg.head_first
    assert first is not None
    trained = [parameter for parameter in head.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=first.learning_rate, weight_decay=first.weight_decay)
    draw = generator("head first", cfg.seed)
    dropped = torch.Generator().manual_seed(seed_of("dropout of the head first", cfg.seed))
    count = len(given)
    batch = min(LARGEST_BATCH, math.ceil(count / 4))
    steps = count // batch
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, first.epochs * steps)
    for epoch in range(first.epochs):
        order, total = draw.permutation(count), 0.0
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            features = crops.features[crops.starts[chosen] + draw.integers(crops.counts[chosen])]
            if rehearsed is not None:
                rows, _ = rehearsed.pairs.draw(rehearsed.in_step, cfg.seed, epoch, step)
                features = torch.cat([features, rehearsed.features[rows]])
            kept = torch.rand(features.shape, generator=dropped) >= cfg.dropout
            output = head.of_standard(features * kept / (1 - cfg.dropout))
            logits, scores = output if isinstance(output, tuple) else (None, output)
            error = (scores[:batch] - given[chosen]).square().mean()
            losses = {"loss": error}
            if rehearsed is not None:
                told = None
                if logits is not None and rehearsed.classes is not None:
                    told = logits[batch:], rehearsed.classes[rows]
                losses = with_pairs(losses, scores[batch:], rehearsed.labels[rows], told, PAIRS_WEIGHT)
            optimiser.zero_grad()
            losses["loss"].backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rates.step()
            total += error.item()
        log.info("head first, epoch %d: squared error %.4f", epoch + 1, total / steps)
    # A loss that is not finite leaves no finite weight either.
    if not all(bool(parameter.isfinite().all()) for parameter in trained):
        raise MosforgeError(
            "the weights of the head are not finite after its first training; "
            "lower finetuning.head_first.learning_rate or weight_decay"
        )
