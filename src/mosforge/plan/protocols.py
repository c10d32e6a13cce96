"""How the models of an experiment are trained and tested, as far as the paper says how its own were."""

from typing import Any

from mosforge.configuration import Config, corpus_and_objective
from mosforge.models.objectives import rates_of
from mosforge.plan.corpora import Corpora
from mosforge.plan.experiments import Experiments
from mosforge.plan.trainings import Trainings

_RECIPE = ("crop", "epochs", "batch_size", "optimiser", "schedule")


class Protocols:
    """What the report sets beside the paper's own values."""

    def __init__(
        self, config: Config, corpora: Corpora, trainings: Trainings, experiments: Experiments
    ) -> None:
        self._config = config
        self._corpora = corpora
        self._trainings = trainings
        self._experiments = experiments

    def of(self, experiment: str) -> dict[str, Any]:
        """Values under their names in the configuration; those of pretraining where there is one.

        `corpora` holds the size of each corpus, `rates` the learning rates of each kind of pretraining.
        """
        finetuning = self._config["finetuning"]
        keys = (*_RECIPE, "patches", "learning_rates")
        found: dict[str, Any] = {
            "evaluation": {"crops": self._config["evaluation"]["crops"]},
            "finetuning": {key: finetuning[key] for key in keys},
        }
        if self._experiments.draws_splits(experiment):
            found["finetuning"]["train"] = finetuning["splits"]["train"]
        starts = {corpus_and_objective(name) for name in self._experiments.initialisations(experiment)}
        pretrained = sorted(start for start in starts if start[0])
        if not pretrained:
            return found
        found["pretraining"] = {key: self._config["pretraining"][key] for key in _RECIPE}
        found["corpora"], found["rates"] = {}, {}
        for corpus, objective in pretrained:
            for name in self._trainings.corpora_of(corpus):
                found["corpora"][name] = self._corpora.size(name)
            kind = self._trainings.kind(corpus)
            rates = self._config["pretraining"]["learning_rates"][kind]
            used = found["rates"].setdefault(kind, {})
            used.update({name: rates[name] for name in rates_of(objective)})
        return found
