"""The section `pretraining`."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from mosforge.config import File, Name, Section, TrainingSection
from mosforge.core.values import Allowed, Count, Flag, Fraction, Positive, Text, Whole
from mosforge.models.origins import ORIGINS


def _zero_or_from_64(value: int) -> int:
    if 0 < value < 64:
        raise ValueError("too small")
    return value


_Resize = Annotated[
    int,
    Field(strict=True, ge=0, json_schema_extra={"not": {"exclusiveMinimum": 0, "exclusiveMaximum": 64}}),
    AfterValidator(_zero_or_from_64),
    Allowed("a number of pixels from 64, or 0, which leaves images as they are"),
]


class Rates(Section):
    """Learning rates of the parts of a network."""

    backbone: Fraction
    """of the backbone"""
    classification: Fraction
    """of the branch that tells the classes"""
    score: Fraction
    """of the branch that predicts the score"""


class LearningRates(Section):
    """Learning rates by what is learned from."""

    synthetic: Rates
    """for a corpus of one type in an image"""
    authentic: Rates
    """for a corpus of mixtures"""
    unified: Rates
    """for two corpora at once, see unified (ours)"""


class LossWeights(Section):
    """Factors of the two losses in their sum."""

    classification: Positive
    """of the loss of the classes"""
    score: Positive
    """of the loss of the score"""


class Pair(Section):
    """Two corpora that one pretraining learns from."""

    synthetic: Text
    """a corpus of one type in an image"""
    authentic: Text
    """a corpus of mixtures"""
    share: Fraction = 0.5
    """share of the mixtures in every batch, whatever their number (default 0.5: both corpora count the
    same, also if one has many more images than the other)"""
    undistorted: Fraction | None = None
    """share of the undistorted images in every batch; the distorted images of the synthetic corpus have
    the rest (default: the undistorted images count like the others of their corpus)"""


class PretrainingSection(TrainingSection):
    """How networks are pretrained on the pseudo-MOS."""

    seed: Whole
    """seed of every random draw of this stage"""
    backbones: Mapping[Name, File] = Field(
        description="Backbones, and where their first weights come from. A name is one of resnet50, "
        "resnet18, alexnet and efficientnet_lite0, or any network of timm, such as mobilenetv3_small_100, or "
        "convnext_tiny__in12k_ft_in1k for timm's convnext_tiny.in12k_ft_in1k. Weights:"
        + "".join(f"\n  {word:<11}  {about}" for word, about in ORIGINS.items())
        + "\n  PATH         a file of weights (torch's or safetensors), or the folder of a model trained here"
    )
    resize: _Resize
    """side of the square that images are scaled to, in pixels. 0: no image is scaled, and crops show
    images in their own size and shape, as in fine-tuning; this takes several times the disk space, 3
    bytes a pixel (ours)"""
    learning_rates: LearningRates
    """The paper's. They are too low for a small corpus: Adam moves a weight by at most about rate x
    steps"""
    loss_weights: LossWeights
    """factors of the two losses in the sum of the objective multitask (ours)"""
    rank_margin: Positive
    """objective rank: by how much the scores of two levels of an image should differ (ours)"""
    multi_level: Flag
    """features of all stages of the backbone, and not only of the last one, also in fine-tuning (ours)"""
    head_width: Count
    """width of the first layers of both branches (paper: 1024)"""
    standardise: Flag
    """the branches see each feature minus its mean, divided by its standard deviation. Both are those of
    2,048 crops through the network as it starts. With frozen_stages: all, a few steps then train the
    branches (ours)"""
    unified: Mapping[Name, Pair]
    """Pretrainings on two corpora at once, with the classes of both (ours). Each has a name, used like
    that of a corpus in CORPUS-OBJECTIVE, and its corpora, such as both: {synthetic: synthetic, authentic:
    authentic_livec}. The labels of both are fused together, so that they are on one scale"""

    def parts(self, corpus: str) -> list[str]:
        """The corpora of a pretraining: the synthetic one first, if it is a unified one of two."""
        pair = self.unified.get(corpus)
        return [corpus] if pair is None else [pair.synthetic, pair.authentic]
