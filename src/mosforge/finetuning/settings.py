"""The settings of the jobs of `finetuning`; the keys of the configuration keep their names and meanings."""

from collections.abc import Mapping
from typing import Literal

from mosforge.core.settings import DatasetImages
from mosforge.core.values import Count, Decay, Flag, Fraction, Number
from mosforge.training.settings import TrainingSettings


class PackDatasetSettings(DatasetImages):
    """What the pack of a target dataset depends on."""


class DatasetSettings(DatasetImages):
    """What the table of a target dataset depends on."""

    range: tuple[Number, Number] | None = None
    higher_is_better: Flag = True
    pictures: str | None = None


class SplitSettings(DatasetImages):
    """What a split of a target dataset depends on."""

    validation: Decay
    train: Fraction | None = None


class FinetuningSettings(TrainingSettings):
    """What a fine-tuning depends on."""

    dataset: str
    split: str  # name of its split
    initialisation: str  # what the weights start from: `imagenet` or CORPUS-OBJECTIVE
    patches: Count
    learning_rates: Mapping[Literal["backbone", "head"], Fraction]
    dropout: Decay
    sources: tuple[str, ...]
    range: tuple[Number, Number]
    higher_is_better: Flag
    layout: str
