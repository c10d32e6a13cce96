"""The model that comes with mosforge: where it lies, and what a user is told of it."""

import functools
import sys
from pathlib import Path

from mosforge.core.errors import MosforgeError
from mosforge.models.card import Card
from mosforge.models.folder import CARD, load_card

FOLDER = Path(__file__).parent / "builtin"
"""A model folder like any other, which `make builtin` writes; its weights are in half precision."""


def built_in() -> Path:
    """The folder of the built-in model. What it is, is said on standard error, once in a process.

    Raises:
        MosforgeError: this copy of mosforge has none.
    """
    if not (FOLDER / CARD).is_file():
        raise MosforgeError(
            "this copy of mosforge has no built-in model; name the folder of a trained one (--model DIR)"
        )
    _say(introduction(load_card(FOLDER)))
    return FOLDER


def introduction(card: Card) -> str:
    """What the model is and what it learned from, in one line; the card is that of a fine-tuned model."""
    learned = f"{card['pictures']:,} images of {card['dataset']}, {card['labels']}"
    sources = card.get("sources")
    before = f"; pretrained on {', '.join(sources)}" if sources else ""
    return (
        f"mosforge: the built-in model, {card['backbone']}, learned from {learned}{before}. "
        "docs/model.md says what it cannot do; --model DIR, or Scorer(DIR), takes another"
    )


@functools.cache
def _say(text: str) -> None:
    print(text, file=sys.stderr)
