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
    """What an adaptation starts from: imagenet (FT), or a pretraining with one of the objectives cls,
    reg, multitask (CLS+REG) and rank (only the order of the levels of a synthetic corpus, as in RankIQA).
    CORPUS-OBJECTIVE names another corpus than the dataset's own. A+B, such as imagenet+multitask, puts
    the features of two of these side by side for a probe (ours)"""
    adaptations: Adaptations = ("finetune",)
    """How a network is adapted to the dataset's scores (default: finetune). finetune trains it. probe
    fits a ridge regression to the features of the frozen network, in minutes (ours). none takes the score
    of the pretraining as it is, and uses no human score (ours); imagenet and cls have no such score, and
    are left out"""
    ratings: Ratings = ("all",)
    """how many rated images of the training part are used, such as [25, 50, 100, 250, 500, all], by
    finetune, probe and brisque. They are drawn at random, and a larger subset contains the smaller ones.
    The page draws SROCC against their number. all must be in the list (ours)"""
    across: Flag = False
    """true: train on each whole dataset, and test on each other whole dataset"""
    comparisons: Names = ()
    """measures without a network, for comparison (ours, after the paper's tables): psnr, ssim, ms_ssim,
    mdsi, vsi, fsim or gmsd, if the dataset has reference images; brisque, fitted to the training part of
    each split; or a name from evaluation.comparisons"""


class EvaluationSection(Section):
    """What is evaluated."""

    crops: TestCrops
    """crops of each test image, whose predictions are averaged: a number of random ones, or grid, which
    are the crops of mosforge score: five around the centre, and the largest square, shrunk (ours)"""
    feature_crops: Count
    """random crops of each image for a probe, which sees the mean of their features (ours)"""
    comparisons: Mapping[Name, File]
    """Scores of any other method, which experiments may name among their comparisons, such as niqe:
    niqe.csv. This is a CSV of yours with the columns image (as the dataset names it), score and, for
    several datasets, dataset. Whether higher or lower is better is found on the training part of each
    split (ours)"""
    sanity: Name | None
    """A corpus of the kind synthetic with undistorted images, from sources that no training sees. Every
    fine-tuned model of the experiments (of all ratings) scores its images, and so does every pretrained
    model with a score that one of them starts from. Tables and page say how often the score falls with
    the level, how often type and level are named correctly, and how well the score follows the
    pseudo-MOS. null: nothing of this is done (ours)"""
    experiments: Mapping[Name, Experiment]
    """An experiment is a target of its name. It evaluates every combination of its datasets, backbones,
    initialisations and adaptations."""
