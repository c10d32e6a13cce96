"""The settings of the jobs of the stage `finetuning`."""

from collections.abc import Mapping
from typing import Literal

from mosforge.core.settings import DatasetImages
from mosforge.core.values import Count, Decay, Flag, Fraction, Number
from mosforge.training.settings import TrainingSettings


class PackDatasetSettings(DatasetImages):
    """What the pack of a target dataset depends on."""


class DatasetSettings(DatasetImages):
    """What the table of a target dataset depends on.

    Attributes:
        range: layout `table`: lowest and highest possible score.
        higher_is_better: layout `table`: false for DMOS.
        pictures: of no meaning here; a configuration may give it to any layout.
    """

    range: tuple[Number, Number] | None = None
    higher_is_better: Flag = True
    pictures: str | None = None


class SplitSettings(DatasetImages):
    """What a split of a target dataset depends on.

    Attributes:
        validation: share of the training contents that becomes the validation part.
        train: random splits: share of the contents that is trained on.
    """

    validation: Decay
    train: Fraction | None = None


class FinetuningSettings(TrainingSettings):
    """What a fine-tuning depends on.

    Attributes:
        dataset: name of the target dataset.
        split: name of its split.
        initialisation: what the weights start from: `imagenet` or CORPUS-OBJECTIVE.
        patches: random crops of each image in an epoch.
        learning_rates: by the part of the network that is trained with it.
        dropout: probability in the head.
        sources: whose images the network has seen in its pretraining.
        range: lowest and highest possible score.
        higher_is_better: false for DMOS.
        layout: of the dataset; it says what the scores are.
    """

    dataset: str
    split: str
    initialisation: str
    patches: Count
    learning_rates: Mapping[Literal["backbone", "head"], Fraction]
    dropout: Decay
    sources: tuple[str, ...]
    range: tuple[Number, Number]
    higher_is_better: Flag
    layout: str
