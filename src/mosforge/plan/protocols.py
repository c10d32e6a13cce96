"""How the models of an experiment are trained and tested, as far as the paper says how its own were."""

from typing import Any

from mosforge.configuration import Config
from mosforge.models.objectives import corpus_and_objective, rates_of
from mosforge.plan.corpora import Corpora
from mosforge.plan.experiments import Experiments
from mosforge.plan.trainings import OF_OBJECTIVE, RECIPE, Trainings

_RECIPE = tuple(key for key in RECIPE if key not in ("seed", "flip"))


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

        `weights` says where each backbone's first weights come from; `corpora` holds the size of each corpus,
        `rates` the learning rates of each kind of pretraining.
        """
        finetuning, pretraining = self._config["finetuning"], self._config["pretraining"]
        keys = (*_RECIPE, "patches", "learning_rates", "dropout")
        backbones = self._experiments.backbones([experiment])
        found: dict[str, Any] = {
            "evaluation": {"crops": self._config["evaluation"]["crops"]},
            "finetuning": {key: finetuning[key] for key in keys}
            | {"multi_level": pretraining["multi_level"]},
            "weights": {name: self._trainings.weights_source(name) for name in backbones},
        }
        if self._experiments.draws_splits(experiment):
            found["finetuning"]["train"] = finetuning["splits"]["train"]
        starts = {corpus_and_objective(name) for name in self._experiments.initialisations(experiment)}
        pretrained = sorted(start for start in starts if start[0])
        if not pretrained:
            return found
        found["pretraining"] = {key: pretraining[key] for key in (*_RECIPE, "resize")}
        found["corpora"], found["rates"] = {}, {}
        for corpus, objective in pretrained:
            for name in self._trainings.corpora_of(corpus):
                found["corpora"][name] = self._corpora.size(name)
            found["pretraining"] |= {key: pretraining[key] for key in OF_OBJECTIVE[objective]}
            kind = self._trainings.kind(corpus)
            rates = pretraining["learning_rates"][kind]
            used = found["rates"].setdefault(kind, {})
            used.update({name: rates[name] for name in rates_of(objective)})
        return found
