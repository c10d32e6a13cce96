"""The plan: what the workflow is to make, asked by the rules.

The rules ask a `Plan` for paths and for the settings of their jobs. Nothing here reads an image or touches
the network; a folder of images is only listed, to count its shards.
"""

from collections.abc import Sequence
from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.core.errors import MosforgeError
from mosforge.metrics.settings import ScoreDatasetSettings, ScoreSettings
from mosforge.models.objectives import corpus_and_objective, learns_score
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets
from mosforge.plan.evaluation import Evaluation
from mosforge.plan.experiments import Experiments
from mosforge.plan.leakage import Leakage
from mosforge.plan.sanity import Sanity
from mosforge.plan.sources import Sources
from mosforge.plan.trainings import KEYS_OF_OBJECTIVE, RECIPE, Trainings
from mosforge.report.settings import PageSettings, Protocol, Scale, TableSettings

_SEEN = (
    "{}: the labels of the pretraining depend on its human scores: the means of these scores over each class "
    "chose the weights of the metrics, or their curves. With equal pmos.weights and the fusion quantile or "
    "mean, the labels use no human score"
)

_RECIPE_OF_THE_PAPER = tuple(key for key in RECIPE if key != "flip")

_OF_FINETUNING = ("patches", "dropout")

_OF_A_HEAD = ("crop", "epochs", "dropout")
"""Keys of a fine-tuning that trains only the head."""


class Plan:
    """The configuration, stage by stage."""

    def __init__(self, config: Configuration) -> None:
        self._config = config
        self.datasets = Datasets(config)
        self.sources = Sources(config, self.datasets)
        self.corpora = Corpora(config, self.sources, self.datasets)
        self.trainings = Trainings(config, self.corpora, self.datasets)
        self.experiments = Experiments(config, self.datasets, self.trainings)
        self.evaluation = Evaluation(config, self.datasets, self.trainings)
        self.sanity = Sanity(config, self.corpora, self.trainings, self.experiments)
        self.leakage = Leakage(config, self.sources, self.datasets, self.corpora, self.experiments)

    def score(self) -> ScoreSettings:
        """Settings of the scores of a shard."""
        section = self._config.metrics
        return ScoreSettings(engine=section.engine, scale=section.scale)

    def score_dataset(self, dataset: str) -> ScoreDatasetSettings:
        """Settings of the scores of a target dataset."""
        section = self._config.metrics
        return ScoreDatasetSettings(dataset=dataset, engine=section.engine, scale=section.scale)

    def table(self, experiment: str) -> TableSettings:
        """Settings of an experiment's table: what concerns its own datasets, and how it is measured."""
        return TableSettings(
            proxies=self._proxies([experiment]),
            seen=self._seen([experiment]),
            left_out=self._left_out([experiment]),
            sizes=self.experiments.sizes([experiment]),
            scales=self._scales(self.experiments.datasets([experiment])),
            protocol=self._protocol(experiment),
        )

    def page(self) -> PageSettings:
        """Settings of the report's page; the configuration is shown without what changes no result."""
        names, config = self.experiments.names, self._config.plain()
        del config["distortions"]["keep"]
        return PageSettings(
            title=self._config.report.title or ", ".join(names) or "mosforge",
            experiments={name: self.table(name) for name in names},
            corpora=tuple(self.corpora.labelled),
            validated=tuple(self.datasets.with_references),
            fusion=self._config.pmos.fusion,
            proxies=self._proxies(names),
            seen=tuple(filter(self.corpora.have_seen, self.datasets.entries)),
            compared=self.leakage.compared,
            left_out=self._left_out(names),
            scales=self._scales([*self.experiments.datasets(names), *self.datasets.with_references]),
            sanity={name: tuple(models) for name in names if (models := self.sanity.models([name]))},
            sanity_corpus=self.sanity.corpus,
            config=config,
        )

    def _protocol(self, experiment: str) -> Protocol:
        """How an experiment's models are trained and tested, as far as the paper says how its own were.

        What concerns pretraining is there only where there is one, and labels only where a score is learned.
        """
        finetuning, pretraining = self._config.finetuning.plain(), self._config.pretraining.plain()
        recipe = (*_RECIPE_OF_THE_PAPER, *_OF_FINETUNING) if self.trainings.trained_whole else _OF_A_HEAD
        tuned = {key: finetuning[key] for key in recipe}
        tuned["head_first"] = finetuning["head_first"]["epochs"]
        tuned["learning_rates"] = self.trainings.finetuning_rates
        tested = {"crops": self._config.evaluation.crops}
        if not self.experiments.has_finetuned_networks(experiment):
            tuned, tested = {"crop": finetuning["crop"]}, {}  # all that features depend on
        tuned["multi_level"] = pretraining["multi_level"]
        if self.experiments.draws_splits(experiment):
            tuned["train"] = finetuning["splits"]["train"]
        backbones = self.experiments.backbones([experiment])
        found: dict[str, Any] = {
            "evaluation": tested,
            "finetuning": tuned,
            "weights": {name: self._config.pretraining.backbones[name] for name in backbones},
        }
        if self.experiments.has_frozen_networks(experiment):
            tested["feature_crops"] = self._config.evaluation.feature_crops
        starts = {corpus_and_objective(name) for name in self.experiments.initialisations(experiment)}
        pretrained = sorted(start for start in starts if start[0])
        rehearsed = self._rehearsed([experiment])
        if rehearsed:
            tuned["rehearsal"] = dict.fromkeys(rehearsed, finetuning["rehearsal"]["pairs"])
        if pretrained:
            found["pretraining"] = {
                key: pretraining[key]
                for key in (*_RECIPE_OF_THE_PAPER, "resize", "head_width", "standardise")
            }
            found["rates"] = {}
        if rehearsed or any(learns_score(objective) for _, objective in pretrained):
            found["metrics"] = {"scale": self._config.metrics.scale}
            found["pmos"] = self.corpora.labelling
        corpora = [part for corpus, _ in pretrained for part in self.corpora.parts(corpus)]
        if corpora or rehearsed:
            found["corpora"] = {name: self.corpora.size(name) for name in (*corpora, *rehearsed)}
        for corpus, objective in pretrained:
            found["pretraining"] |= {key: pretraining[key] for key in KEYS_OF_OBJECTIVE[objective]}
            kind = self.trainings.kind(corpus)
            found["rates"].setdefault(kind, {}).update(self.trainings.pretraining_rates(corpus, objective))
        return Protocol(**found)

    def _proxies(self, experiments: Sequence[str]) -> tuple[str, ...]:
        used = self.experiments.datasets(experiments)
        return tuple(name for name in used if name in self.datasets.proxies)

    def _scales(self, datasets: Sequence[str]) -> dict[str, Scale]:
        """The scales of the scores of datasets that are there."""
        facts = {name: self.datasets.facts(name) for name in datasets if not self.datasets.missing(name)}
        return {
            name: Scale(*sorted((found.lowest, found.highest), reverse=not found.higher_is_better))
            for name, found in facts.items()
        }

    def _seen(self, experiments: Sequence[str]) -> tuple[str, ...]:
        """Datasets of experiments with networks that learn labels, which their class means shaped."""
        starts = {start for name in experiments for start in self.experiments.initialisations(name)}
        learn = starts - {"imagenet"} or self._rehearsed(experiments)
        used = self.experiments.datasets(experiments) if learn else []
        return tuple(filter(self.corpora.have_seen, used))

    def _rehearsed(self, experiments: Sequence[str]) -> list[str]:
        """The corpus that networks of experiments rehearse, if some are fine-tuned and rehearse one."""
        finetuned = any(map(self.experiments.has_finetuned_networks, experiments))
        return self.trainings.rehearsed if finetuned else []

    def _left_out(self, experiments: Sequence[str]) -> tuple[str, ...]:
        """A line for all that these experiments ask for and that is not there."""
        weights = self.trainings.missing(self.experiments.backbones(experiments))
        return (*weights, *self.experiments.left_out(experiments))

    def check_networks(self) -> None:
        """Refuses a backbone of an experiment that is no network; see `Trainings.check_networks`."""
        self.trainings.check_networks(self.experiments.backbones(self.experiments.names))

    def check_experiment(self, experiment: str) -> None:
        """Refuses an experiment that was asked for and of which nothing can be done.

        Raises:
            MosforgeError: none of its datasets is there, or one where two are needed, or it names no network
                and no comparison.
        """
        if not self.experiments.runs(experiment):
            reasons = self.experiments.left_out([experiment])
            if self.experiments.lacks_another_dataset(experiment):
                reasons = [*reasons, "it tests on other datasets than it trains on, and needs two of them"]
            why = "; ".join(reasons) or "it names no network or comparison"
            raise MosforgeError(f"nothing of the experiment {experiment} can be done: {why}")

    def warnings(self) -> list[str]:
        """What is probably a mistake, but can be run: one sentence each."""
        names = self.experiments.names
        lines = [
            line for name in self.experiments.datasets(names) for line in self.datasets.misspelt_columns(name)
        ]
        seen = dict.fromkeys(dataset for name in names for dataset in self._seen([name]))
        return [*lines, *(_SEEN.format(dataset) for dataset in seen)]

    def explain_missing(self) -> str | None:
        """One message that lists all that is missing, where to get it and where to put it."""
        lines = [*self.sources.missing, *self._left_out(self.experiments.names)]
        if not lines:
            return None
        return "\n".join(
            ["Not all that the configuration names is here:", *(f"  - {line}" for line in lines)]
        )
