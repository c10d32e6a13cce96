"""The settings of `finetune`, in a module of their own: an edit here runs no job that only makes data."""

from collections.abc import Mapping
from typing import Literal

from mosforge.core.values import Count, Decay, Flag, Fraction, Number, Part, Start
from mosforge.training.settings import TrainingSettings


class FinetuningSettings(TrainingSettings):
    """What a fine-tuning depends on."""

    dataset: str
    split: str  # name of its split
    initialisation: str  # what the weights start from: `imagenet` or CORPUS-OBJECTIVE
    patches: Count
    # `score` where a pretrained head is kept, otherwise `head`
    learning_rates: Mapping[Literal["backbone", "head", "score"], Fraction]
    dropout: Decay
    start: Start = "mean"
    feature_crops: Count = 1  # start `probe`: crops of an image that features are means over
    interpolate: Part = 1.0
    sources: tuple[str, ...]
    range: tuple[Number, Number]
    higher_is_better: Flag
    layout: str
