"""The settings of the jobs of `report`; the keys of the configuration keep their names and meanings."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import JsonValue

from mosforge.core.settings import Settings
from mosforge.core.values import Number, Whole


class Protocol(Settings):
    """How the models of an experiment are trained and tested, under the names of the configuration."""

    metrics: Mapping[str, JsonValue] = {}
    pmos: Mapping[str, JsonValue] = {}
    evaluation: Mapping[str, JsonValue] = {}
    finetuning: Mapping[str, JsonValue] = {}
    pretraining: Mapping[str, JsonValue] = {}
    weights: Mapping[str, str] = {}  # where the first weights of each backbone come from
    corpora: Mapping[str, Mapping[str, Whole]] = {}
    rates: Mapping[str, Mapping[str, Number]] = {}  # the learning rates of each kind of pretraining


class Scale(NamedTuple):
    """The scale of a dataset's scores: those that a quality of 0 and of 1 stand for."""

    worst: float = 0.0
    best: float = 1.0

    @property
    def span(self) -> float:
        """How far its ends are apart: an RMSE on [0, 1] times this is in the unit of the scores."""
        return abs(self.best - self.worst)

    def of(self, quality: Any) -> Any:
        """A quality, or an array of them, [0, 1] and higher is better, in the unit of the scores."""
        return self.worst + (self.best - self.worst) * quality


class TableSettings(Settings):
    """What the tables of an experiment depend on, beside its correlations."""

    proxies: tuple[str, ...] = ()  # datasets whose scores are no human ones
    left_out: tuple[str, ...] = ()  # lines about what could not be run
    seen: tuple[str, ...] = ()  # datasets whose class means shaped the labels of pretraining
    sizes: Mapping[str, Whole] = {}  # number of images of each dataset, the weights of the average
    scales: Mapping[str, Scale] = {}  # of the scores of each dataset
    protocol: Protocol = Protocol()  # how it was measured


class PageSettings(Settings):
    """What the page is about."""

    title: str = "mosforge"
    experiments: Mapping[str, TableSettings] = {}
    proxies: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    # datasets whose human scores the metrics and fusions are compared with, in order
    validated: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    scales: Mapping[str, Scale] = {}
    fusion: str = ""  # the fusion that makes the labels of this run
    # the target datasets that the leakage guard compared each source with
    compared: Mapping[str, tuple[str, ...]] = {}
    # models of each experiment that scored the images of `evaluation.sanity`, as folders below results/
    sanity: Mapping[str, tuple[str, ...]] = {}
    sanity_corpus: str | None = None  # the corpus of these images
    config: Mapping[str, JsonValue] = {}  # the configuration to show
