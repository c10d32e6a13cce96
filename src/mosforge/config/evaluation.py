"""The section `evaluation`: the experiments."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mosforge.config import File, Name, Names, Section
from mosforge.core.values import Allowed, Count, Flag, TestCrops, different

MEASURES = ("psnr", "ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd", "brisque")
"""The measures that are computed here."""


Adaptation = Literal["finetune", "probe", "none"]
Adaptations = Annotated[
    tuple[Adaptation, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(different),
]


Budget = Annotated[
    Annotated[int, Field(strict=True, ge=10)] | Literal["all"],
    Allowed("a number of rated images from 10, or all"),
]
Ratings = Annotated[
    tuple[Budget, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(different),
]


class Experiment(Section):
    """Every combination of some datasets, backbones, initialisations and adaptations."""

    datasets: Names
    """names from finetuning.datasets"""
    backbones: Names
    """names from pretraining.backbones"""
    initialisations: Names
    """imagenet (FT), or an objective: cls, reg, multitask (CLS+REG), or rank, which learns only from the
    order of a synthetic corpus' levels, as RankIQA does; CORPUS-OBJECTIVE names another corpus than the
    dataset's own; A+B, such as imagenet+multitask, are two of these, whose features stand side by side for a
    probe (ours)"""
    adaptations: Adaptations = ("finetune",)
    """how a network is adapted to the dataset's scores: finetune trains it; probe fits a ridge
    regression to the features of the frozen network, in minutes (ours); none takes the score of the
    pretraining as it is, which uses no human score (ours). What a network cannot have is left out: imagenet
    and cls have no score for none"""
    ratings: Ratings = ("all",)
    """how many rated images of the training part are used, such as [25, 50, 100, 250, 500, all], for
    finetune, probe and brisque: random subsets, each within the next larger one; the page draws SROCC against
    their number. all must be among them (ours)"""
    across: Flag = False
    """true: train on the whole of each dataset, test on the whole of each other one"""
    comparisons: Names = ()
    """measures without a network that stand beside (ours, after the paper's tables): a full-reference metric,
    psnr, ssim, ms_ssim, mdsi, vsi, fsim or gmsd, where the dataset has its reference images; brisque,
    fitted to the training part of each split; or a name from evaluation.comparisons"""


class EvaluationSection(Section):
    """What is evaluated."""

    crops: TestCrops
    """crops of each test image, whose predictions are averaged: a number of random ones, or grid, those that
    mosforge score takes: five around the centre, and the image as a whole, shrunk (ours)"""
    feature_crops: Count
    """random crops of each image of a dataset; a probe sees the mean of their features (ours)"""
    comparisons: Mapping[Name, File]
    """Scores of any other method that experiments may name among their comparisons, such as niqe: niqe.csv: a
    CSV of yours with the columns image (as the dataset names it), score and, if it is of several datasets,
    dataset. Whether higher or lower is better is found on the training part of each split (ours)"""
    sanity: Name | None
    """a corpus of the kind synthetic with undistorted images, from sources that no training sees: its
    images are scored by every fine-tuned model of the experiments (of all ratings), and by every pretrained
    one with a score that they start from. Tables and page say how often the score falls with each level, how
    often type and level are told, and how well the score follows the pseudo-MOS; null: nothing of this is
    done (ours)"""
    experiments: Mapping[Name, Experiment]
    """An experiment is a target of its name. It evaluates every combination of its datasets, backbones,
    initialisations and adaptations."""
