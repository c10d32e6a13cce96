"""The settings of `pretrain`, in a module of their own: an edit here runs no job that only makes data."""

from collections.abc import Mapping
from typing import Literal

from mosforge.core.values import Amount, Count, Flag, Fraction, Objective, Positive
from mosforge.training.settings import TrainingSettings


class PretrainingSettings(TrainingSettings):
    """What a pretraining depends on."""

    epochs: Count
    corpus: str
    objective: Objective  # what is learned
    # `single`: an image has one class; `multiple`: several; `both`: both occur
    label_kind: Literal["single", "multiple", "both"]
    classes: tuple[str, ...]  # their names, in the order of their indices or bits
    learning_rates: Mapping[Literal["backbone", "classification", "score"], Fraction]
    sources: tuple[str, ...]
    # label kind `both`: how many of the classes are those of the images with one class
    single_classes: Count | None = None
    authentic_share: Fraction | None = None  # and which share of each batch are the others
    undistorted_share: Fraction | None = None  # and the undistorted images, if theirs is their own
    loss_weights: Mapping[Literal["classification", "score"], Positive] = {}
    rank_margin: Amount = 0.0
    head_width: Count = 1024
    standardise: Flag = False
    dataset: str | None = None
    split: str | None = None  # the target dataset, and its split, whose training part is used
