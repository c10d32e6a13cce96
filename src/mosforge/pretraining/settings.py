"""The settings of the jobs of the stage `pretraining`."""

from collections.abc import Mapping
from typing import Literal

from mosforge.core.settings import CorpusShards, Settings
from mosforge.core.values import Amount, Count, Fraction, Objective, Positive, Whole
from mosforge.training.settings import TrainingSettings


class PackShardSettings(Settings):
    """What the pack of a shard depends on.

    Attributes:
        resize: side of the square that images are scaled to, in pixels; 0: they are not scaled.
    """

    resize: Whole


class IndexPacksSettings(CorpusShards):
    """What the joined index of the packs of a corpus depends on."""


class PretrainingSettings(TrainingSettings):
    """What a pretraining depends on.

    Attributes:
        corpus: name of the corpus, or of the pair of corpora.
        objective: what is learned.
        label_kind: `single`: an image has one class; `multiple`: several; `both`: both occur.
        classes: their names, in the order of their indices or bits.
        learning_rates: by the part of the network that is trained with it.
        sources: whose images are used.
        single_classes: label kind `both`: how many of the classes are those of the images with one class.
        agreement_scale: how much samples weigh less whose six metrics disagree; 0: all weigh the same.
        loss_weights: objective `multitask`: factors of the two losses in their sum.
        rank_margin: objective `rank`: by how much the scores of an image's levels should differ.
        dataset, split: the target dataset, and its split, whose training part is used.
    """

    corpus: str
    objective: Objective
    label_kind: Literal["single", "multiple", "both"]
    classes: tuple[str, ...]
    learning_rates: Mapping[Literal["backbone", "classification", "score"], Fraction]
    sources: tuple[str, ...]
    single_classes: Count | None = None
    agreement_scale: Amount = 0.0
    loss_weights: Mapping[Literal["classification", "score"], Positive] = {}
    rank_margin: Amount = 0.0
    dataset: str | None = None
    split: str | None = None
