"""The folder in which a trained model lies: weights as safetensors, and a card in JSON and in Markdown."""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mosforge import __version__
from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError, first_line
from mosforge.core.files import sha256_of_file, write_json
from mosforge.core.values import GRID
from mosforge.models.backbones import find_backbone
from mosforge.models.card import Card, card_markdown, knows_quality
from mosforge.models.heads import PAPERS_WIDTH, MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.weights import adapt_weights, halved, read_weights, write_weights

WEIGHTS = "model.safetensors"
CARD = "card.json"
CARD_FOR_PEOPLE = "card.md"

MEASURED = "measured"
"""Key of a card for the speed and the memory of its training: two runs of one training differ only there."""

_FACTS: dict[str, Callable[[Any], bool]] = {
    "backbone": lambda value: isinstance(value, str),
    "weights_sha256": lambda value: isinstance(value, str),
    "crop": lambda value: _is_count(value),
    "test_crops": lambda value: value == GRID or _is_count(value),
    "range": lambda value: (
        isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] < value[1]
    ),
    "higher_is_better": lambda value: isinstance(value, bool),
}
_FACTS_OF_HEAD: dict[str, dict[str, Callable[[Any], bool]]] = {
    "multitask": {
        "classes": lambda value: (
            isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
        ),
        "label_kind": lambda value: value in ("single", "multiple", "both"),
    },
    "score": {"dropout": lambda value: _is_number(value) and 0 <= value < 1},
}
_FACTS_THAT_MAY_LACK: dict[str, Callable[[Any], bool]] = {
    "multi_level": lambda value: isinstance(value, bool),
    "head_width": lambda value: _is_count(value),
    "view_side": lambda value: _is_count(value),
    "initialisation": lambda value: isinstance(value, str),
    "objective": lambda value: isinstance(value, str),
}
"""A model is used otherwise where it has one of these; None says as little as none."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def save_model(folder: str | os.PathLike[str], network: Network, card: Card) -> None:
    """Writes `model.safetensors`, and then the card, which holds the weights' digest.

    Args:
        folder: made if absent.
        network: its backbone and head are saved as float32, on the CPU.
        card: facts of the training; `backbone` and `head` (`multitask` or `score`) among them, and the others
            that `load_card` needs.
    """
    folder = Path(folder)
    with atomic_file(folder / WEIGHTS) as temporary:
        write_weights(network.state_dict(), temporary)
    _write_card(folder, {**card, "mosforge": __version__, "weights_sha256": sha256_of_file(folder / WEIGHTS)})


def copy_model(
    folder: str | os.PathLike[str], target: str | os.PathLike[str], card: Card, *, half: bool = False
) -> None:
    """Copies a model's weights into another folder, with a card that has more facts.

    Args:
        folder: of the model.
        target: made if absent; only a model's files in it are changed.
        card: the model's own (`load_card`), with facts added.
        half: in half precision (see `weights.halved`), which `load_model` makes float32 again.

    Raises:
        MosforgeError: the weights are damaged, a fact in the card is wrong, or the two folders are one.
    """
    if Path(folder).resolve() == Path(target).resolve():
        raise MosforgeError(f"{target}: this is the model itself; name another folder for its copy")
    weights = _checked_weights(folder, card)
    try:
        card_markdown(card)  # before anything is written
    except Exception as error:  # a fact of another type fails in many ways
        reason = f"a fact in it is wrong ({first_line(error)})"
        raise MosforgeError(f"{Path(folder) / CARD}: {reason}; copy the model again") from None
    copy = Path(target) / WEIGHTS
    with atomic_file(copy) as temporary:
        if half:
            write_weights(halved(read_weights(weights)), temporary)
        else:
            shutil.copyfile(weights, temporary)
    _write_card(Path(target), {**card, "weights_sha256": sha256_of_file(copy)})


def _write_card(folder: Path, card: Card) -> None:
    with atomic_file(folder / CARD_FOR_PEOPLE) as temporary:
        temporary.write_text(card_markdown(card), encoding="utf-8")
    write_json(folder / CARD, card)


def load_card(folder: str | os.PathLike[str]) -> Card:
    """Reads the card of a model folder, and checks that it has the facts that are needed to use the model."""
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise MosforgeError(f"{folder}: not a model folder, it has no {CARD}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise MosforgeError(
            f"{path}: not a model card, the JSON is damaged; copy it again, or delete it and run again"
        ) from None
    if not isinstance(card, dict) or card.get("head") not in list(_FACTS_OF_HEAD):
        raise MosforgeError(f"{path}: not the card of a mosforge model")
    facts = _FACTS | _FACTS_OF_HEAD[card["head"]]
    if card.get("label_kind") == "both":
        facts |= {"single_classes": lambda value: _is_count(value) and value < len(card.get("classes", ()))}
    facts |= {fact: holds for fact, holds in _FACTS_THAT_MAY_LACK.items() if card.get(fact) is not None}
    for fact, holds in facts.items():
        if not holds(card.get(fact)):
            raise MosforgeError(f"{path}: not the card of a mosforge model, {fact!r} is missing or wrong")
    return card


def load_model(folder: str | os.PathLike[str]) -> tuple[Network, Card]:
    """Loads a network, in evaluation mode on the CPU, and its card. Nothing is unpickled.

    Raises:
        MosforgeError: not a model folder, or a damaged one.
    """
    card = load_card(folder)
    path = _checked_weights(folder, card)
    network = network_of(card)
    network.load_state_dict(adapt_weights(read_weights(path), network, path))
    return network.eval(), card


def check_scores(folder: str | os.PathLike[str], card: Card) -> None:
    """Refuses a model whose score branch was never trained.

    Raises:
        MosforgeError: it was pretrained for the distortion classes only.
    """
    if not knows_quality(card):
        raise MosforgeError(
            f"{folder}: this model was pretrained for distortion classes only (objective cls), and its scores"
            " mean nothing; take a fine-tuned model, or one of the objectives reg, multitask and rank"
        )


def network_of(card: Card) -> Network:
    """The network that a card describes, with random weights."""
    multi_level = bool(card.get("multi_level"))
    width = find_backbone(card["backbone"]).feature_width(multi_level)
    head = (
        MultiTaskHead(width, len(card["classes"]), card.get("head_width") or PAPERS_WIDTH)
        if card["head"] == "multitask"
        else ScoreHead(width, card["dropout"])
    )
    return Network(card["backbone"], head, multi_level)


def _checked_weights(folder: str | os.PathLike[str], card: Card) -> Path:
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise MosforgeError(f"{folder}: not a model folder, it has no {WEIGHTS}")
    if sha256_of_file(path) != card["weights_sha256"]:
        raise MosforgeError(
            f"{path}: damaged, its digest is not the one in {CARD}; copy it again, or delete it and run again"
        )
    return path
