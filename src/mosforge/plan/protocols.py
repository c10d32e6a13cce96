"""How the models of an experiment are trained and tested, as far as the paper says how its own were."""

from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.models.objectives import corpus_and_objective, rates_of
from mosforge.plan.corpora import Corpora
from mosforge.plan.experiments import Experiments
from mosforge.plan.trainings import OF_OBJECTIVE, RECIPE, Trainings
from mosforge.report.settings import Protocol

_RECIPE = tuple(key for key in RECIPE if key not in ("seed", "flip"))


class Protocols:
    """What the report sets beside the paper's own values."""

    def __init__(
        self, config: Configuration, corpora: Corpora, trainings: Trainings, experiments: Experiments
    ) -> None:
        self._config = config
        self._corpora = corpora
        self._trainings = trainings
        self._experiments = experiments

    def of(self, experiment: str) -> Protocol:
        """The protocol of an experiment; what concerns pretraining is there only where there is one."""
        finetuning, pretraining = self._config.finetuning.plain(), self._config.pretraining.plain()
        tuned = {key: finetuning[key] for key in (*_RECIPE, "patches", "learning_rates", "dropout")}
        tuned["multi_level"] = pretraining["multi_level"]
        if self._experiments.draws_splits(experiment):
            tuned["train"] = finetuning["splits"]["train"]
        backbones = self._experiments.backbones([experiment])
        found: dict[str, Any] = {
            "evaluation": {"crops": self._config.evaluation.crops},
            "finetuning": tuned,
            "weights": {name: self._trainings.weights_source(name) for name in backbones},
        }
        starts = {corpus_and_objective(name) for name in self._experiments.initialisations(experiment)}
        pretrained = sorted(start for start in starts if start[0])
        if pretrained:
            found["pretraining"] = {key: pretraining[key] for key in (*_RECIPE, "resize")}
            found["corpora"], found["rates"] = {}, {}
        for corpus, objective in pretrained:
            for name in self._trainings.corpora_of(corpus):
                found["corpora"][name] = self._corpora.size(name)
            found["pretraining"] |= {key: pretraining[key] for key in OF_OBJECTIVE[objective]}
            kind = self._trainings.kind(corpus)
            rates = pretraining["learning_rates"][kind]
            found["rates"].setdefault(kind, {}).update({name: rates[name] for name in rates_of(objective)})
        return Protocol(**found)
