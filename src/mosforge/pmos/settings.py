"""The settings of the jobs of `pmos`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import CorpusShards, Settings
from mosforge.core.values import Count, Fusion


class FusionSettings(CorpusShards):
    """What the labels of a corpus depend on."""

    fusion: Fusion
    knots: Count
    logistic: str | None = None


class ValidationSettings(Settings):
    """What the comparison of the metrics and their fusions with human scores depends on."""

    dataset: str
    corpus: str | None
