"""The settings of the jobs of the stage `report`."""

from collections.abc import Mapping

from pydantic import JsonValue

from mosforge.core.settings import Settings
from mosforge.core.values import Number, Whole


class Protocol(Settings):
    """How the models of an experiment are trained and tested, under the names of the configuration.

    Attributes:
        evaluation: values of the section.
        finetuning: values of the section.
        pretraining: values of the section; left out where nothing is pretrained.
        weights: where the first weights of each backbone come from.
        corpora: size of each corpus that is learned from: its `photographs` or `mixtures`.
        rates: the learning rates of each kind of pretraining.
    """

    evaluation: Mapping[str, JsonValue] = {}
    finetuning: Mapping[str, JsonValue] = {}
    pretraining: Mapping[str, JsonValue] = {}
    weights: Mapping[str, str] = {}
    corpora: Mapping[str, Mapping[str, Whole]] = {}
    rates: Mapping[str, Mapping[str, Number]] = {}


class _BesideNumbers(Settings):
    """What stands beside the correlations of experiments.

    Attributes:
        proxies: datasets whose scores are no human ones.
        left_out: lines about what could not be run.
        sizes: number of images of each dataset, the weights of the average.
    """

    proxies: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    sizes: Mapping[str, Whole] = {}


class TableSettings(_BesideNumbers):
    """What the tables of an experiment depend on.

    Attributes:
        protocol: how it was measured.
    """

    protocol: Protocol | None = None


class PageSettings(_BesideNumbers):
    """What the page is about.

    Attributes:
        title: of the page.
        experiments: their names, in order.
        corpora: their names, in order.
        validated: datasets whose human scores the metrics and fusions are compared with, in order.
        compared: the target datasets that the leakage guard compared each source with.
        protocols: how each experiment was measured.
        config: the configuration to show.
    """

    title: str = "mosforge"
    experiments: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    validated: tuple[str, ...] = ()
    compared: Mapping[str, tuple[str, ...]] = {}
    protocols: Mapping[str, Protocol] = {}
    config: Mapping[str, JsonValue] = {}
