"""The settings of the jobs of the stage `pmos`."""

from mosforge.core.settings import CorpusShards, Settings
from mosforge.core.values import Count, Fusion


class FusionSettings(CorpusShards):
    """What the labels of a corpus depend on.

    Attributes:
        fusion: how six scores become one.
        knots: of the distribution that is saved beside the labels.
        logistic: fusion `logistic`: the dataset whose human scores the metrics are fitted to.
    """

    fusion: Fusion
    knots: Count
    logistic: str | None = None


class ValidationSettings(Settings):
    """What the comparison of the metrics and their fusions with human scores depends on.

    Attributes:
        dataset: name of the target dataset.
        corpus: the corpus whose distribution the scores are mapped through, if there is one.
    """

    dataset: str
    corpus: str | None
