"""What a fine-tuning starts from: a new head at the mean score, or a probe that is written into the head."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Pack
from mosforge.core.tables import Frame
from mosforge.finetuning.finetune_settings import FinetuningSettings
from mosforge.models.frozen import Drawn, frozen_outputs
from mosforge.models.heads import Line, MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.objectives import corpus_and_objective, learns_score
from mosforge.statistics.ridge import fit_ridge
from mosforge.training.model import pretrained_network, start_network

log = logging.getLogger(__name__)

_FACTS_OF_KEPT_HEAD = ("head", "classes", "label_kind", "single_classes", "head_width")


def first_network(cfg: FinetuningSettings, weights: Path, mean: float) -> tuple[Network, dict[str, Any]]:
    """The network that a fine-tuning starts from, and what the model's card says of its head.

    A probe of a pretrained network is written into the head that it has. That goes on telling the classes;
    where some of them are rehearsed, these only, since fine-tuning makes the others wrong.

    Args:
        cfg: of the training.
        weights: ImageNet weights of the backbone, or those of a pretrained model.
        mean: of the training scores, where a new head starts.

    Raises:
        MosforgeError: the weights do not fit, or the network takes no crops of that size.
    """
    if cfg.start == "mean" or not corpus_and_objective(cfg.initialisation)[0]:
        network, _ = start_network(
            cfg, weights, "fine-tuning head", lambda width: ScoreHead(width, cfg.dropout), mean
        )
        return network, {"head": "score"}
    network, head, card = pretrained_network(cfg, weights)
    facts = {fact: card[fact] for fact in _FACTS_OF_KEPT_HEAD if fact in card}
    if cfg.rehearsal is None or cfg.rehearsal.classes is None:
        for parameter in head.parameter_groups()["classification"]:
            parameter.requires_grad_(False)
    elif facts["label_kind"] == "both":
        facts |= _keep_rehearsed_classes(head, cfg.rehearsal.classes, facts["classes"])
        del facts["single_classes"]
    return network, facts


def _keep_rehearsed_classes(head: MultiTaskHead, count: int, classes: list[str]) -> dict[str, Any]:
    """Cuts the classes of two corpora to those of the first, which are called as there.

    Returns:
        What the model's card says of them.
    """
    head.keep_classes(count)
    return {"classes": [name.partition(" ")[2] for name in classes[:count]], "label_kind": "single"}


def start_from_probe(
    network: Network, images: Pack, training: Frame, cfg: FinetuningSettings, device: torch.device
) -> None:
    """Lets the scores of a network start from a probe of its training part, as the rule `probe` fits one.

    The score that a pretrained head has learned takes part in the regression; it is the one with room for the
    linear part (`MultiTaskHead.make_room`).

    Args:
        network: with its first weights; it goes to the device and into evaluation mode.
        images: of the training and other parts.
        training: the images of the training part, with `image`, `quality` and `content`; their index says
            which of `images` they are.
        cfg: of the training.
        device: where to compute.

    Raises:
        MosforgeError: the images show fewer than two contents, or the pack is damaged.
    """
    if training["content"].nunique() < 2:
        raise MosforgeError(
            f"{cfg.dataset}: the training part of split {cfg.split} has fewer than two contents to fit a "
            "probe to; set finetuning.start to mean"
        )
    images.check_some()
    network.to(device).eval()
    head = network.head
    is_scored = isinstance(head, MultiTaskHead) and learns_score(corpus_and_objective(cfg.initialisation)[1])
    if isinstance(head, MultiTaskHead):
        head.make_room()
    drawn = Drawn(cfg.crop, cfg.feature_crops, cfg.dataset)
    found, scores = [], []
    places = zip(training.index, training["image"], strict=True)
    for place, name in tqdm(places, total=len(training), disable=None, unit="image"):
        vectors, own = frozen_outputs(network, images.image(place), name, drawn, device)
        found.append(vectors.mean(axis=0))
        scores.append([own.mean()] if is_scored else [])
    features, quality = np.stack(found), training["quality"].to_numpy(np.float64)
    ridge = fit_ridge(features, quality, training["content"].tolist(), np.array(scores))
    log.info("the scores start from a probe of strength %.3g on %d images", ridge.strength, len(training))
    sums = features @ ridge.weights
    head.start_linearly(
        Line(
            weights=torch.tensor(ridge.weights, device=device),
            centre=float(sums.mean()),
            reach=float(np.abs(sums - sums.mean()).max()),
            factor=float(ridge.factors.sum()),
            offset=ridge.offset,
        )
    )
