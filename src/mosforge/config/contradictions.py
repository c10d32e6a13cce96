"""A configuration as types, whose sections do not contradict each other."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from mosforge.config.configuration import Configuration
from mosforge.config.distortions import Corpus
from mosforge.config.evaluation import MEASURES, Experiment
from mosforge.config.fetched import folders_for_two
from mosforge.config.levels import lacking_levels
from mosforge.config.sanity import unfit_for_sanity
from mosforge.core.errors import MosforgeError
from mosforge.core.runs import BRISQUE, FINETUNE
from mosforge.core.values import Objective, explain, suggestion
from mosforge.models.objectives import adaptations_of, corpus_and_objective, side_by_side


def checked(values: Mapping[str, Any]) -> Configuration:
    """A configuration as types.

    Args:
        values: the merged configuration, as JSON values.

    Raises:
        MosforgeError: an unknown key, a wrong or impossible value, or values that contradict each other; one
            sentence that names the key.
    """
    try:
        config = Configuration.model_validate(values)
    except ValidationError as error:
        raise MosforgeError(f"configuration: {explain(error)}") from None
    for contradictions in (
        _in_sources,
        folders_for_two,
        _in_distortions,
        _in_finetuning,
        _in_rehearsal,
        _in_pmos,
        _in_pretraining,
        _in_evaluation,
        lacking_levels,
        _in_sanity,
    ):
        for problem in contradictions(config):
            raise MosforgeError(f"configuration: {problem}")
    return config


def _in_sources(config: Configuration) -> Iterator[str]:
    datasets = config.finetuning.datasets
    for name, collection in config.sources.collections.items():
        if (dataset := collection.dataset) is None:
            continue
        key = f"sources.collections.{name}.dataset"
        yield from _unknown(key, [dataset], datasets)
        if dataset in datasets and datasets[dataset].layout == "proxy":
            yield (
                f"{key}: {dataset!r} is a proxy, whose images cannot be counted before they are made; "
                "name a dataset with human scores"
            )


def _in_distortions(config: Configuration) -> Iterator[str]:
    section = config.distortions
    for name, corpus in section.corpora.items():
        yield from _unknown(f"distortions.corpora.{name}.sources", corpus.sources, config.sources.collections)
    fewest, most = section.authentic.types_per_image
    if fewest > most:
        yield f"distortions.authentic.types_per_image: {fewest} is more than {most}"


def _in_finetuning(config: Configuration) -> Iterator[str]:
    corpora = config.distortions.corpora
    for name, dataset in config.finetuning.datasets.items():
        key = f"finetuning.datasets.{name}"
        yield from _unknown(f"{key}.corpus", [dataset.corpus], corpora)
        if dataset.layout == "table" and dataset.range is not None:
            lowest, highest = dataset.range
            if not (lowest < highest and math.isfinite(highest - lowest)):
                yield f"{key}.range: [{lowest:g}, {highest:g}] must be the lowest, then the highest score"
        if "full" in (dataset.splits or ()):
            yield (
                f"{key}.splits: 'full' leaves nothing to test on; leave it out, since experiments with "
                "across: true use it by themselves"
            )
        if dataset.layout == "proxy":
            yield from _unknown(f"{key}.pictures", [str(dataset.pictures)], corpora)
    section = config.finetuning
    if section.epochs == 0 and section.head_first.epochs == 0:
        yield (
            "finetuning.epochs: 0 leaves the head untrained; set finetuning.head_first.epochs, which trains "
            "it, or finetuning.epochs, which trains all"
        )


def _in_rehearsal(config: Configuration) -> Iterator[str]:
    key, name = "finetuning.rehearsal.corpus", config.finetuning.rehearsal.corpus
    corpora = config.distortions.corpora
    if name is None:
        return
    with_levels = [corpus for corpus, entry in corpora.items() if entry.kind != "authentic"]
    if name in corpora and name not in with_levels:
        yield (
            f"{key}: {name!r} holds mixtures, which have no levels to rehearse; name a corpus of the kind "
            "synthetic or kadid25"
        )
    if 0 < config.pretraining.resize < config.finetuning.crop:
        yield (
            f"finetuning.crop: {config.finetuning.crop} is larger than pretraining.resize, the side of the "
            "images that are rehearsed"
        )
    yield from _unknown(key, [name], with_levels)
    for experiment in config.evaluation.experiments.values():
        if FINETUNE not in experiment.adaptations or name not in corpora:
            continue
        for dataset in experiment.datasets:
            tested = _tested(experiment, dataset)
            for problem in _test_images(config, name, corpora[name], dataset, tested):
                yield f"{key}: {name!r} {problem}"
            for other in tested & config.finetuning.datasets.keys():
                if config.finetuning.datasets[other].pictures == name:
                    yield f"{key}: {name!r} holds the images of {other!r}, which are tested on; name another"


def _in_pmos(config: Configuration) -> Iterator[str]:
    if not any(config.pmos.weights.plain().values()):
        yield "pmos.weights: all are 0, which leaves no metric; give one of them another weight"
    key, name = "pmos.logistic.dataset", config.pmos.logistic.dataset
    if name is not None:
        yield from _unknown(key, [name], config.finetuning.datasets)
    if config.pmos.fusion != "logistic":
        return
    if name is None:
        yield f"{key}: the fusion logistic needs the name of a dataset with human scores"
    for experiment, entry in config.evaluation.experiments.items():
        if name in entry.datasets and not config.pmos.logistic.allow_evaluated:
            yield (
                f"{key}: {name!r} is evaluated on by the experiment {experiment}, and its scores would shape "
                "the labels; name another dataset, or set pmos.logistic.allow_evaluated to true"
            )


def _in_pretraining(config: Configuration) -> Iterator[str]:
    section, corpora = config.pretraining, config.distortions.corpora
    if 0 < section.resize < section.crop:
        yield f"pretraining.crop: {section.crop} is larger than pretraining.resize"
    mixtures = [name for name, corpus in corpora.items() if corpus.kind == "authentic"]
    others = [name for name in corpora if name not in mixtures]
    for name, pair in section.unified.items():
        key = f"pretraining.unified.{name}"
        if name in corpora:
            yield f"{key}: there is a corpus of this name; take another"
        yield from _unknown(f"{key}.synthetic", [pair.synthetic], others)
        yield from _unknown(f"{key}.authentic", [pair.authentic], mixtures)
        if pair.undistorted is None:
            continue
        if not config.distortions.synthetic.undistorted:
            yield f"{key}.undistorted: there are none; set distortions.synthetic.undistorted to [0]"
        if pair.share + pair.undistorted >= 1:
            yield (
                f"{key}.undistorted: with share it leaves no room in a batch for distorted images; lower one "
                "of them"
            )
    needs_stages = [
        key
        for key, value in {
            "pretraining.multi_level": section.multi_level,
            "pretraining.frozen_stages": section.frozen_stages not in (0, "all"),
            "finetuning.frozen_stages": config.finetuning.frozen_stages not in (0, "all"),
        }.items()
        if value
    ]
    for name, experiment in config.evaluation.experiments.items():
        if needs_stages and experiment.datasets and "alexnet" in experiment.backbones:
            yield (
                f"evaluation.experiments.{name}.backbones: alexnet has no stages for {needs_stages[0]}; "
                "leave one of them out"
            )


def _in_evaluation(config: Configuration) -> Iterator[str]:
    objectives = get_args(Objective)
    for name in config.evaluation.comparisons:
        if name in (*MEASURES, "imagenet", *objectives):
            yield f"evaluation.comparisons.{name}: this name has a meaning of its own; take another"
    learnt_from = [*config.distortions.corpora, *config.pretraining.unified]
    named = [f"{corpus}-{objective}" for corpus in learnt_from for objective in objectives]
    for name, experiment in config.evaluation.experiments.items():
        key = f"evaluation.experiments.{name}"
        yield from _unknown(f"{key}.datasets", experiment.datasets, config.finetuning.datasets)
        yield from _unknown(f"{key}.backbones", experiment.backbones, config.pretraining.backbones)
        known = ["imagenet", *objectives, *named]
        for initialisation in experiment.initialisations:
            parts = side_by_side(initialisation)
            yield from _unknown(f"{key}.initialisations", parts, known)
            if len(set(parts)) < len(parts):
                yield f"{key}.initialisations: {initialisation!r} names one network twice"
        yield from _without_adaptation(key, experiment)
        measures = [*MEASURES, *config.evaluation.comparisons]
        yield from _unknown(f"{key}.comparisons", experiment.comparisons, measures)
        if "all" not in experiment.ratings:
            yield f"{key}.ratings: add all, which the tables of the experiment are made of"
        untrained = [measure for measure in experiment.comparisons if measure != BRISQUE]
        if experiment.across and untrained:
            yield (
                f"{key}.comparisons: {untrained[0]} is not trained on any dataset; across datasets only "
                f"{BRISQUE} can be compared"
            )
        for dataset in experiment.datasets:
            tested = _tested(experiment, dataset)
            for initialisation in experiment.initialisations:
                for part in side_by_side(initialisation):
                    for problem in _impossible(config, dataset, part, tested):
                        yield f"{key}.initialisations: {part!r} {problem}"


def _in_sanity(config: Configuration) -> Iterator[str]:
    name = config.evaluation.sanity
    if name is not None:
        yield from _unknown("evaluation.sanity", [name], config.distortions.corpora)
        yield from unfit_for_sanity(name, config)


def _without_adaptation(key: str, experiment: Experiment) -> Iterator[str]:
    """What an experiment names and would leave out altogether."""
    possible = {name: adaptations_of(name) for name in experiment.initialisations}
    for name, adaptations in possible.items():
        if not set(adaptations) & set(experiment.adaptations):
            yield (
                f"{key}.adaptations: {name!r} can have {' or '.join(adaptations)}, and none of them is here; "
                f"add one, or leave {name!r} out"
            )
    for adaptation in experiment.adaptations:
        if possible and not any(adaptation in adaptations for adaptations in possible.values()):
            yield (
                f"{key}.adaptations: {adaptation!r} is possible for none of the initialisations "
                f"{', '.join(possible)}; leave it out"
            )


def _tested(experiment: Experiment, dataset: str) -> set[str]:
    """The datasets that an experiment's networks are tested on after a fine-tuning on one."""
    return set(experiment.datasets).difference([dataset]) if experiment.across else {dataset}


def _impossible(
    config: Configuration, dataset: str, initialisation: str, tested: Collection[str]
) -> Iterator[str]:
    """Why a dataset cannot have an initialisation: mixtures have no levels, or show test images.

    Args:
        config: the configuration.
        dataset: that is fine-tuned on.
        initialisation: what that starts from.
        tested: the datasets that are tested on.
    """
    corpus, objective = corpus_and_objective(initialisation)
    if initialisation == "imagenet" or dataset not in config.finetuning.datasets:
        return
    for name in config.pretraining.parts(corpus or config.finetuning.datasets[dataset].corpus):
        entry = config.distortions.corpora.get(name)
        if entry is not None:
            if entry.kind == "authentic" and objective == "rank":
                yield f"learns the order of levels, and the mixtures of {name!r} have none"
            yield from _test_images(config, name, entry, dataset, tested)


def _test_images(
    config: Configuration, name: str, corpus: Corpus, dataset: str, tested: Collection[str]
) -> Iterator[str]:
    """Whether a corpus may show test images: of the dataset itself only mixtures follow its splits."""
    collections = config.sources.collections
    sources = [collections[source] for source in corpus.sources if source in collections]
    made_of = {source.dataset for source in sources if source.dataset is not None}
    is_own = dataset in made_of
    if is_own and corpus.kind != "authentic":
        yield (
            f"learns from images of {dataset!r} in {name!r}, and only a corpus of mixtures follows its splits"
        )
    if is_own or not made_of:
        return
    for other in sorted(made_of.intersection(tested)):
        yield f"learns from the images of {other!r}, which are tested on; leave one of them out"
    if not config.sources.leakage.guard:
        yield (
            f"learns from images of {' and '.join(sorted(made_of))}, and nothing proves that they "
            f"show no test image of {dataset!r}; set sources.leakage.guard to true, or use a corpus of its "
            "own images"
        )


def _unknown(key: str, names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """A sentence for each name at a key that the configuration does not define."""
    for name in names:
        if name not in known:
            yield f"{key}: {name!r} is not configured{suggestion(name, known)}"
