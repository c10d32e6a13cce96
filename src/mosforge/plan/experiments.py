"""Experiments: the runs that each is made of, and what is left out because its dataset is not there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from mosforge.config.configuration import Configuration
from mosforge.config.evaluation import Experiment
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.runs import BRISQUE, FINETUNE, NO_ADAPTATION, NO_NETWORK, Run, budget_of
from mosforge.models.objectives import BESIDE, LOSSES, adaptations_of, corpus_and_objective, side_by_side
from mosforge.plan.datasets import Datasets
from mosforge.plan.trainings import Trainings

FULL = "full"
"""The split that trains on a whole dataset, for experiments across datasets."""


class Experiments:
    """The section `evaluation`."""

    def __init__(self, config: Configuration, datasets: Datasets, trainings: Trainings) -> None:
        self._entries = config.evaluation.experiments
        self._files = config.evaluation.comparisons
        self._seeds = config.finetuning.seeds
        self._datasets = datasets
        self._trainings = trainings

    @cached_property
    def names(self) -> list[str]:
        """Experiments with at least one dataset configured."""
        return [name for name, entry in self._entries.items() if entry.datasets]

    def runs(self, experiment: str) -> list[Run]:
        """The runs of an experiment on the datasets that are there: its networks, then its comparisons."""
        compared = (run for run in self._configured_comparisons(experiment) if not self._lacks_dataset(run))
        return [*self.networks(experiment), *compared]

    def networks(self, experiment: str) -> list[Run]:
        """The runs of networks among them."""
        return [run for run in self._configured_networks(experiment) if not self._lacks_dataset(run)]

    def predictions(self, experiment: str) -> list[str]:
        """Files of the predictions of an experiment's runs."""
        return [_predictions(run) for run in self.runs(experiment)]

    def predictions_of_single_splits(self, experiment: str) -> list[str]:
        """Prediction files of networks with one split: their gains have an interval only over images."""
        runs = self.networks(experiment)
        models = [(run._replace(split=""), budget_of(run.split)) for run in runs]
        splits = Counter(models)
        return [_predictions(run) for run, model in zip(runs, models, strict=True) if splits[model] == 1]

    @cached_property
    def pretrained(self) -> list[str]:
        """Weights files of every pretraining that an experiment needs and that can be run.

        A synthetic corpus needs no target dataset, so its pretraining runs even when no dataset is available.
        """
        found = set()
        for run in (run for name in self.names for run in self._configured_networks(name)):
            for name in side_by_side(run.initialisation):
                corpus, _ = corpus_and_objective(name)
                if corpus and self._trainings.can_be_pretrained(corpus, run.dataset):
                    found.add(self._trainings.initial_weights(run._replace(initialisation=name)))
        return sorted(found)

    def draws_splits(self, experiment: str) -> bool:
        """Whether some split of an experiment is drawn from a seed: neither official nor a whole dataset."""
        return any(run.split.isdigit() for run in self.runs(experiment))

    def has_frozen_networks(self, experiment: str) -> bool:
        """Whether some network of an experiment is not fine-tuned."""
        return any(run.adaptation != FINETUNE for run in self.networks(experiment))

    def has_finetuned_networks(self, experiment: str) -> bool:
        """Whether some network of an experiment is fine-tuned."""
        return FINETUNE in self._entries[experiment].adaptations

    def initialisations(self, experiment: str) -> list[str]:
        """Full names of what an experiment's networks start from on the datasets that are there."""
        names = (name for run in self.networks(experiment) for name in side_by_side(run.initialisation))
        return list(dict.fromkeys(names))

    def backbones(self, experiments: Sequence[str]) -> list[str]:
        """Backbones that some of these experiments use."""
        return list(dict.fromkeys(name for entry in experiments for name in self._entries[entry].backbones))

    def datasets(self, experiments: Sequence[str]) -> list[str]:
        """Target datasets that some of these experiments name."""
        return list(dict.fromkeys(name for entry in experiments for name in self._entries[entry].datasets))

    @cached_property
    def evaluated(self) -> list[str]:
        """Target datasets that an experiment names and that are available, sorted."""
        return self._available(self.names)

    def served_by(self, source: str) -> set[str]:
        """The datasets of all networks that learn from a source which is not their own images."""
        return {
            name
            for experiment in self.names
            for run in self.networks(experiment)
            if source in self._trainings.foreign_sources(run)
            for name in (run.dataset, run.test_dataset)
        }

    def _available(self, experiments: Sequence[str]) -> list[str]:
        return sorted(name for name in self.datasets(experiments) if not self._datasets.missing(name))

    def left_out(self, experiments: Sequence[str]) -> list[str]:
        """One message for each requested target dataset, split or metric on a dataset, that is not available.

        A metric that is available only for some images of a dataset also gets a message.
        """
        lines = ((name, self._datasets.missing(name)) for name in self.datasets(experiments))
        missing = [f"dataset {name} is left out: {line}" for name, line in lines if line]
        divided = [
            name
            for entry in experiments
            if not self._entries[entry].across
            for name in self.datasets([entry])
        ]
        missing += [
            f"split {split} of dataset {name} is left out: {line}"
            for name in dict.fromkeys(divided)
            for split, line in self._datasets.untested(name).items()
        ]
        metrics = [
            line
            for experiment in experiments
            for name in self._entries[experiment].datasets
            if (line := self._about_metrics(experiment, name))
        ]
        files = dict.fromkeys(name for entry in experiments for name in self._missing_files(entry))
        missing += [
            f"{name} is left out: {self._files[name]}, of evaluation.comparisons.{name}, is not there; put "
            "it there, or correct its name"
            for name in files
        ]
        pretrained = [line for experiment in experiments for line in self._about_corpora(experiment)]
        return missing + pretrained + metrics

    def _about_corpora(self, experiment: str) -> list[str]:
        """Which networks cannot learn, since the datasets of the images of their corpora are not there."""
        lines = [
            f"{run.initialisation} on dataset {run.dataset} left out of {experiment}: it learns from images "
            f"of {' and '.join(lacking)}, which is not there"
            for run in self._configured_networks(experiment)
            if (lacking := self._trainings.lacking(run)) and run.dataset not in lacking
        ]
        return list(dict.fromkeys(lines))

    def _about_metrics(self, experiment: str, dataset: str) -> str | None:
        """Why full-reference metrics cannot be computed for some or all images of an available dataset."""
        metrics = ", ".join(self._full_reference(experiment))
        if not metrics or dataset in self._datasets.proxies or self._datasets.missing(dataset):
            return None
        found, images = self._datasets.referenced(dataset), self._datasets.image_count(dataset)
        if not found:
            return f"{metrics} on dataset {dataset} left out of {experiment}: it has no reference images"
        if found < images:
            return (
                f"{metrics} on dataset {dataset} of {experiment}: measured only on the images that "
                f"have a reference image, {found:,} of {images:,}"
            )
        return None

    def lacks_another_dataset(self, experiment: str) -> bool:
        """Whether an experiment across datasets has fewer than two that are there."""
        return self._entries[experiment].across and len(self._available([experiment])) < 2

    def sizes(self, experiments: Sequence[str]) -> dict[str, int]:
        """Image count of each available dataset with human scores: the weights of the average."""
        human = (name for name in self._available(experiments) if name not in self._datasets.proxies)
        return {name: self._datasets.image_count(name) for name in human}

    def check_ratings(self) -> None:
        """Refuses more ratings than a split of an experiment can train on.

        Raises:
            MosforgeError: there are not so many.
        """
        for name in self.names:
            budgets = [ratings for ratings in self._entries[name].ratings if isinstance(ratings, int)]
            if not budgets:
                continue
            for dataset, split, _ in self._pairs(self._entries[name]):
                most = None if budget_of(split) else self._datasets.most_ratings(dataset, split)
                if most is not None and max(budgets) > most:
                    raise MosforgeError(
                        f"evaluation.experiments.{name}.ratings: {max(budgets)} ratings are more "
                        f"than split {split} of {dataset} can train on, which are {most} at most; leave the "
                        "number out"
                    )

    def _lacks_dataset(self, run: Run) -> bool:
        needed = (run.dataset, run.test_dataset, *self._trainings.lacking(run))
        return any(self._datasets.missing(name) for name in needed)

    def _configured_networks(self, experiment: str) -> Iterator[Run]:
        entry = self._entries[experiment]
        for dataset, split, test in self._pairs(entry):
            for backbone in entry.backbones:
                for adaptation in entry.adaptations:
                    if adaptation == NO_ADAPTATION and budget_of(split):
                        continue  # it uses no rating
                    seeds = self._seeds if adaptation == FINETUNE else (0,)
                    for start in self._full_names(entry.initialisations, dataset):
                        if adaptation in adaptations_of(start):
                            for seed in seeds:
                                yield Run(dataset, split, backbone, start, test, seed, adaptation)

    def _configured_comparisons(self, experiment: str) -> Iterator[Run]:
        entry = self._entries[experiment]
        for dataset, split, test in self._pairs(entry):
            unavailable = [] if self._datasets.has_references(test) else self._full_reference(experiment)
            unavailable += self._missing_files(experiment)
            if budget_of(split):
                unavailable = [name for name in entry.comparisons if name != BRISQUE]
            for metric in entry.comparisons:
                if metric not in unavailable:
                    yield Run(dataset, split, NO_NETWORK, metric, test, adaptation=NO_ADAPTATION)

    def _full_reference(self, experiment: str) -> list[str]:
        """The comparisons of an experiment that need reference images."""
        others = {BRISQUE, *self._files}
        return [name for name in self._entries[experiment].comparisons if name not in others]

    def _missing_files(self, experiment: str) -> list[str]:
        """The comparisons of an experiment whose scores are the user's, and not there."""
        named = self._entries[experiment].comparisons
        return [name for name in named if name in self._files and not Path(self._files[name]).is_file()]

    def _pairs(self, entry: Experiment) -> Iterator[tuple[str, str, str]]:
        """What is trained on (dataset and split) and tested on; the splits of rating budgets come last."""
        budgets = sorted(ratings for ratings in entry.ratings if isinstance(ratings, int))
        for budget in ["", *(f"-{ratings}" for ratings in budgets)]:
            for dataset in entry.datasets:
                if entry.across:
                    others = (other for other in entry.datasets if other != dataset)
                    yield from ((dataset, f"{FULL}{budget}", other) for other in others)
                else:
                    splits = self._datasets.splits(dataset)
                    yield from ((dataset, f"{split}{budget}", dataset) for split in splits)

    def _full_names(self, initialisations: Sequence[str], dataset: str) -> list[str]:
        """An objective by itself means the pretraining on the dataset's own corpus."""
        corpus = self._datasets.entries[dataset].corpus
        return [
            BESIDE.join(f"{corpus}-{part}" if part in LOSSES else part for part in side_by_side(name))
            for name in initialisations
        ]


def _predictions(run: Run) -> str:
    return layout.PREDICTIONS.format(**run.wildcards)
