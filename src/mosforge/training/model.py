"""The two ends of a training: the network that it starts from, and the folder of the model that it leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from mosforge.core.schemas.training import HISTORY
from mosforge.core.seeds import seed_of
from mosforge.core.tables import Frame, write_table
from mosforge.core.values import GRID
from mosforge.models.backbones import find_backbone
from mosforge.models.card import Card
from mosforge.models.devices import device_name
from mosforge.models.folder import MEASURED, load_model, save_model
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.weights import load_backbone
from mosforge.training.processes import started_processes
from mosforge.training.settings import TrainingSettings
from mosforge.training.state import delete_states

Head = TypeVar("Head", MultiTaskHead, ScoreHead)


def start_network(
    cfg: TrainingSettings, weights: Path, purpose: str, make_head: Callable[[int], Head], mean: float
) -> tuple[Network, Head]:
    """The network at the start of a training, and its head.

    Args:
        cfg: of the training.
        weights: file of the backbone's weights, or of a trained model's.
        purpose: of the seed that the head's first weights follow from.
        make_head: makes the head for a length of the feature vector.
        mean: of the training labels, where the scores start.

    Raises:
        MosforgeError: the weights do not fit, or the network takes no crops of that size.
    """
    facts = find_backbone(cfg.backbone)
    facts.check_crop(cfg.crop)
    torch.manual_seed(seed_of(purpose, cfg.seed))
    head = make_head(facts.feature_width(cfg.multi_level))
    network = Network(cfg.backbone, head, cfg.multi_level)
    load_backbone(network, weights)
    _freeze(network, cfg)
    head.start_at(mean)
    return network, head


def pretrained_network(cfg: TrainingSettings, weights: Path) -> tuple[Network, MultiTaskHead, Card]:
    """A pretrained network with the head that it has learned, at the start of a training, and its card.

    Args:
        cfg: of the training.
        weights: file of the weights in the model's folder.

    Raises:
        MosforgeError: the model is damaged, or the network takes no crops of that size.
    """
    find_backbone(cfg.backbone).check_crop(cfg.crop)
    network, card = load_model(weights.parent)
    _freeze(network, cfg)
    head = network.head
    assert isinstance(head, MultiTaskHead), "a pretraining has no other"
    return network, head, card


def _freeze(network: Network, cfg: TrainingSettings) -> None:
    network.frozen_statistics = cfg.frozen_statistics
    network.freeze_stages(cfg.frozen_stages)


def write_model(
    folder: Path,
    network: Network,
    history: Frame,
    facts: dict[str, Any],
    *,
    stage: str,
    cfg: TrainingSettings,
    device: torch.device,
) -> None:
    """Writes a trained model's folder (weights, cards and history), and deletes the states of its training.

    Of several processes, only the first does so.

    Args:
        folder: of the model.
        network: with the weights to keep.
        history: as `fit` returned it; without a row where nothing was trained.
        facts: for the model's card, beside `cfg`.
        stage: `pretraining` or `finetuning`.
        cfg: of the training.
        device: where it was trained.
    """
    if not started_processes().is_first:
        return
    name, plain = device_name(device), cfg.plain()
    if network.precision != "auto":
        name += f", {network.precision}"
    write_table(folder / "history.parquet", HISTORY, history, stage=stage, cfg=plain, device=name)
    measured: dict[str, Any] = {"device": name}
    if len(history):
        measured["images_per_second"] = round(float(history["images_per_second"].median()), 1)
        measured["peak_memory_mib"] = round(float(history["peak_memory"].max()))
    save_model(folder, network, {"test_crops": GRID, **facts, **plain, MEASURED: measured})
    delete_states(folder)
