"""The settings of the jobs of `pmos`; the keys of the configuration keep their names and meanings."""

from collections.abc import Mapping

from mosforge.core.settings import CorpusShards, Settings
from mosforge.core.values import Amount, Count, Fusion, Number, Positive

CLASS_MEANS = "the class means of KADID-10k"
"""What the fusion `calibrated` is fitted to, in words."""


class Curve(Settings):
    """A rising logistic; see `statistics.logistic`."""

    upper: Number
    lower: Number
    centre: Number
    width: Positive


class Calibration(Settings):
    """What the fusion `calibrated` learnt at one viewing scale."""

    weights: Mapping[str, Amount]  # by metric; they sum up to 1
    curves: Mapping[str, Curve]  # from a metric, higher is better, to a quality in [0, 1]


class FusionSettings(CorpusShards):
    """What the labels of a corpus depend on."""

    fusion: Fusion
    knots: Count
    weights: Mapping[str, Amount]  # by metric; of `calibrated`, those that it learnt
    logistic: str | None = None
    curves: Mapping[str, Curve] | None = None  # of `calibrated`
    joined: tuple[CorpusShards, ...] = ()  # of further corpora, whose labels are on one scale with these


class ValidationSettings(Settings):
    """What the comparison of the metrics and their fusions with human scores depends on."""

    dataset: str
    corpus: str | None
    weights: Mapping[str, Amount]  # by metric, of all fusions but `calibrated`
    calibration: Calibration | None = None
