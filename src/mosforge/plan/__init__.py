"""What the workflow is to make: shards, runs and files, worked out from the configuration alone.

The rules ask a `Plan` for paths and for the parameters that their jobs depend on. Nothing here reads a
picture or touches the network; a folder of photographs is only listed, to count its shards.
"""

from typing import Any

from mosforge.configuration import Config
from mosforge.plan.corpora import Corpora
from mosforge.plan.datasets import Datasets
from mosforge.plan.experiments import Experiments
from mosforge.plan.leakage import Leakage
from mosforge.plan.protocols import Protocols
from mosforge.plan.sources import Sources
from mosforge.plan.trainings import Trainings
from mosforge.plan.validations import Validations

__all__ = ["Plan"]


class Plan:
    """The configuration, stage by stage.

    Args:
        config: checked by `configuration.check_config`.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.datasets = Datasets(config)
        self.sources = Sources(config, self.datasets)
        self.corpora = Corpora(config, self.sources)
        self.validations = Validations(config, self.corpora, self.datasets)
        self.trainings = Trainings(config, self.corpora, self.datasets)
        self.experiments = Experiments(config, self.datasets, self.trainings)
        self.protocols = Protocols(config, self.corpora, self.trainings, self.experiments)
        self.leakage = Leakage(config, self.sources, self.datasets, self.corpora, self.experiments)

    def table(self, experiment: str) -> dict[str, Any]:
        """Parameters of an experiment's table: what concerns its own datasets, and how it is measured."""
        return self._beside_numbers([experiment]) | {"protocol": self.protocols.of(experiment)}

    def _beside_numbers(self, experiments: list[str]) -> dict[str, Any]:
        """What is told of the datasets of experiments beside their correlations."""
        used = self.experiments.datasets(experiments)
        return {
            "proxies": [name for name in used if name in self.datasets.proxies],
            "left_out": self._left_out(experiments),
            "sizes": self.experiments.sizes(experiments),
        }

    def _left_out(self, experiments: list[str]) -> list[str]:
        """A line for all that these experiments ask for and that is not there."""
        weights = self.trainings.missing(self.experiments.backbones(experiments))
        return weights + self.experiments.left_out(experiments)

    def page(self) -> dict[str, Any]:
        """Parameters of the report's page."""
        distortions = {key: value for key, value in self._config["distortions"].items() if key != "keep"}
        names = self.experiments.names
        return self._beside_numbers(names) | {
            "title": self._config["report"]["title"],
            "experiments": names,
            "protocols": {name: self.protocols.of(name) for name in names},
            "corpora": self.corpora.labelled,
            "validated": self.datasets.with_references,
            "compared": self.leakage.compared,
            "config": self._config | {"distortions": distortions},
        }

    def explain_missing(self) -> str | None:
        """One message that lists all that is missing, where to get it and where to put it."""
        lines = self.sources.missing + self._left_out(self.experiments.names)
        if not lines:
            return None
        return "\n".join(
            ["Not all that the configuration names is here:", *(f"  - {line}" for line in lines)]
        )
