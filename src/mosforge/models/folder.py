"""The folder in which a trained model lies: weights as safetensors, and a card in JSON."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mosforge import __version__
from mosforge.errors import MosforgeError
from mosforge.files import atomic_file, sha256_of_file, write_json
from mosforge.models.backbones import card_of
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network

Card = dict[str, Any]

WEIGHTS = "model.safetensors"
CARD = "card.json"


def save_model(folder: str | os.PathLike[str], network: Network, card: Card) -> None:
    """Writes `model.safetensors` and then `card.json`, which holds the weights' digest.

    Args:
        folder: made if absent.
        network: its backbone and head are saved as float32, on the CPU.
        card: facts of the training; `backbone` and `head` (`multitask` or `score`) among them,
            and `classes` for a multi-task head.
    """
    folder = Path(folder)
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    with atomic_file(folder / WEIGHTS) as temporary:
        save_file(state, temporary)
    stamped = {**card, "mosforge": __version__, "weights_sha256": sha256_of_file(folder / WEIGHTS)}
    write_json(folder / CARD, stamped)


def load_card(folder: str | os.PathLike[str]) -> Card:
    """Reads the card of a model folder, and checks that it is one."""
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MosforgeError(f"{folder}: not a model folder, it has no {CARD}") from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise MosforgeError(f"{path}: not a model card, the JSON is damaged") from None
    if not isinstance(card, dict) or not {"backbone", "head", "weights_sha256"} <= card.keys():
        raise MosforgeError(f"{path}: not the card of a mosforge model")
    return card


def load_model(folder: str | os.PathLike[str]) -> tuple[Network, Card]:
    """Loads a network, in evaluation mode on the CPU, and its card. Nothing is unpickled.

    Raises:
        MosforgeError: not a model folder, or a damaged one.
    """
    card = load_card(folder)
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise MosforgeError(f"{folder}: not a model folder, it has no {WEIGHTS}")
    if sha256_of_file(path) != card["weights_sha256"]:
        raise MosforgeError(f"{path}: damaged, its digest is not the one in {CARD}; copy or train it again")
    width = card_of(card["backbone"]).width
    head = (
        MultiTaskHead(width, len(card["classes"]))
        if card["head"] == "multitask"
        else ScoreHead(width, float(card["dropout"]))
    )
    network = Network(card["backbone"], head)
    try:
        network.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise MosforgeError(f"{path}: the weights do not fit their card ({reason})") from None
    return network.eval(), card


def load_backbone_weights(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """The backbone's weights from a file of ImageNet weights or from a trained model's file."""
    try:
        state = load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise MosforgeError(f"{path}: not a file of weights ({str(error).splitlines()[0]})") from None
    trained = {
        key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.")
    }
    return trained or state
