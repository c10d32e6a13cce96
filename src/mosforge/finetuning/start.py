"""What a fine-tuning starts from: a new head, or the one that a pretraining has learned."""

from pathlib import Path
from typing import Any

from mosforge.finetuning.finetune_settings import FinetuningSettings
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.objectives import corpus_and_objective
from mosforge.training.model import pretrained_network, start_network

_FACTS_OF_KEPT_HEAD = ("head", "classes", "label_kind", "single_classes", "head_width")


def first_network(cfg: FinetuningSettings, weights: Path, mean: float) -> tuple[Network, dict[str, Any]]:
    """The network that a fine-tuning starts from, and what the model's card says of its head.

    Where the head is trained first, that of a pretraining stays. It goes on telling the classes; where some
    of them are rehearsed, these only, since fine-tuning makes the others wrong.

    Args:
        cfg: of the training.
        weights: first weights of the backbone, or those of a pretrained model.
        mean: of the training scores, where a new head starts.

    Raises:
        MosforgeError: the weights do not fit, or the network takes no crops of that size.
    """
    if cfg.head_first is None or not corpus_and_objective(cfg.initialisation)[0]:
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
