"""The card of a trained model: as Markdown for people; `card.json` holds the same facts for programs."""

from typing import Any

import jinja2

from mosforge.core.words import plural
from mosforge.models.objectives import LOSSES, corpus_and_objective

CHANGES_NO_RESULT = "the text is for people, and repeats the facts in card.json"

Card = dict[str, Any]
"""The facts of a trained model; `folder.load_card` checks those that are needed to use it."""

_MEASURES = {"srocc": "SROCC", "plcc": "PLCC", "plcc_mapped": "PLCC mapped", "krocc": "KROCC", "rmse": "RMSE"}


def knows_classes(card: Card) -> bool:
    """Whether a model was trained to recognise the distortion classes in its card.

    The networks of objectives without classes have the branch, too. A fine-tuned network that kept its head
    knows what its pretraining knew.
    """
    objective = card.get("objective") or corpus_and_objective(card.get("initialisation") or "")[1]
    return "classes" in card and "classification" in LOSSES.get(objective, ["classification"])


def knows_quality(card: Card) -> bool:
    """Whether a model was trained to score.

    The networks of objectives without a score have the branch, too.
    """
    return "score" in LOSSES.get(card.get("objective") or "", ["score"])


def card_markdown(card: Card) -> str:
    """The text of `card.md`.

    Args:
        card: a model card that was checked (`folder.load_card`). The facts that a training adds to the needed
            ones are stated where they are there, and are not None.
    """
    card = _without_none(card)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mosforge.models"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    template = environment.get_template("card.md.j2")
    known = knows_classes(card)
    return template.render(card=card, knows_classes=known, measures=_MEASURES, cell=_cell, plural=plural)


def _without_none(facts: Card) -> Card:
    """Facts without those that are None, also those inside a fact: a setting given as None says nothing."""
    return {
        key: _without_none(fact) if isinstance(fact, dict) else fact
        for key, fact in facts.items()
        if fact is not None
    }


def _cell(row: dict[str, Any], measure: str) -> str:
    """A correlation with three decimals, and its interval where it has one."""
    if row.get(measure) is None:
        return "undefined"
    low, high = row.get(f"{measure}_low"), row.get(f"{measure}_high")
    interval = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
    return f"{row[measure]:.3f}{interval}"
