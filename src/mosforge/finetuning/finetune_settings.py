"""The settings of `finetune`, in a module of their own: an edit here runs no job that only makes data."""

from collections.abc import Mapping
from typing import Literal

from mosforge.core.settings import Settings
from mosforge.core.values import Amount, BelowOne, Count, Flag, Fraction, Number
from mosforge.training.settings import TrainingSettings

MOST_REHEARSED = 300
"""Pristine images whose distorted ones a head that is trained first rehearses; each costs a crop (ours)."""


class RehearsalSettings(Settings):
    """What a fine-tuning rehearses."""

    corpus: str
    pairs: Count  # of images, in each step
    # The network tells the classes of the corpus by as many first logits; None: it does not tell them.
    classes: Count | None = None


class HeadFirstSettings(Settings):
    """How the head alone is trained, before all is."""

    epochs: Count
    learning_rate: Fraction
    weight_decay: Amount


class FinetuningSettings(TrainingSettings):
    """What a fine-tuning depends on."""

    dataset: str
    split: str  # name of its split
    initialisation: str  # what the weights start from: `imagenet` or CORPUS-OBJECTIVE
    patches: Count
    # where a pretrained head is kept, `score`, and `classification` if its classes are rehearsed; else `head`
    learning_rates: Mapping[Literal["backbone", "head", "score", "classification"], Fraction]
    dropout: BelowOne
    head_first: HeadFirstSettings | None = None
    sources: tuple[str, ...]
    range: tuple[Number, Number]
    higher_is_better: Flag
    layout: str
    rehearsal: RehearsalSettings | None = None
