"""The section `evaluation`: the experiments."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from mosforge.config.section import Name, Names, Section, unknown
from mosforge.core.runs import BRISQUE
from mosforge.core.values import Count, Flag, Objective, different
from mosforge.models.objectives import corpus_and_objective

if TYPE_CHECKING:
    from mosforge.config.configuration import Configuration

Measure = Literal["psnr", "ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd", "brisque"]
Measures = Annotated[
    tuple[Measure, ...], Field(json_schema_extra={"uniqueItems": True}), AfterValidator(different)
]


class Experiment(Section):
    """Every combination of some datasets, backbones and initialisations."""

    datasets: Names
    """names from finetuning.datasets"""
    backbones: Names
    """names from pretraining.backbones"""
    initialisations: Names
    """imagenet (FT), or an objective: cls, reg, multitask (CLS+REG), or rank, which learns only from the
    order of a synthetic corpus' levels, as RankIQA does; CORPUS-OBJECTIVE names another corpus than the
    dataset's own"""
    across: Flag = False
    """true: train on the whole of each dataset, test on the whole of each other one"""
    comparisons: Measures = ()
    """measures without a network that stand beside (ours, after the paper's tables): a full-reference metric,
    psnr, ssim, ms_ssim, mdsi, vsi, fsim or gmsd, where the dataset has its undistorted images; brisque,
    fitted to the training part of each split"""


class EvaluationSection(Section):
    """What is evaluated."""

    crops: Count
    """random crops of each test image, their predictions averaged"""
    experiments: Mapping[Name, Experiment]
    """An experiment is a target of its name. It evaluates every combination of its datasets, backbones and
    initialisations."""


def contradictions(config: "Configuration") -> Iterator[str]:
    """What in the section contradicts itself or another one."""
    objectives = get_args(Objective)
    learnt_from = [*config.distortions.corpora, *config.pretraining.unified]
    named = [f"{corpus}-{objective}" for corpus in learnt_from for objective in objectives]
    for name, experiment in config.evaluation.experiments.items():
        key = f"evaluation.experiments.{name}"
        yield from unknown(f"{key}.datasets", experiment.datasets, config.finetuning.datasets)
        yield from unknown(f"{key}.backbones", experiment.backbones, config.pretraining.backbones)
        yield from unknown(
            f"{key}.initialisations", experiment.initialisations, ["imagenet", *objectives, *named]
        )
        untrained = [measure for measure in experiment.comparisons if measure != BRISQUE]
        if experiment.across and untrained:
            yield (
                f"{key}.comparisons: {untrained[0]} is not trained on any dataset; across datasets only "
                f"{BRISQUE} can be compared"
            )
        for dataset in experiment.datasets:
            for initialisation in experiment.initialisations:
                for problem in _impossible(config, dataset, initialisation):
                    yield f"{key}.initialisations: {initialisation!r} {problem}"


def _impossible(config: "Configuration", dataset: str, initialisation: str) -> Iterator[str]:
    """Why a dataset cannot have an initialisation: mixtures have no levels, and must be of its own images."""
    corpus, objective = corpus_and_objective(initialisation)
    if initialisation == "imagenet" or dataset not in config.finetuning.datasets:
        return
    corpus = corpus or config.finetuning.datasets[dataset].corpus
    pair = config.pretraining.unified.get(corpus)
    mixtures = config.distortions.corpora.get(pair.authentic if pair else corpus)
    if mixtures is None or mixtures.kind != "authentic":
        return
    name = pair.authentic if pair else corpus
    if objective == "rank":
        yield f"learns the order of levels, and the mixtures of {name!r} have none"
    collections = config.sources.collections
    if dataset not in [collections[source].dataset for source in mixtures.sources if source in collections]:
        yield (
            f"learns from the dataset's own training part, and the sources of {name!r} are not made from "
            f"{dataset!r}"
        )
