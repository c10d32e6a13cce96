"""The settings of the jobs of the stage `pmos`."""

from typing import Annotated, Literal

from pydantic import Field

from mosforge.core.settings import CorpusShards, Settings


class FusionSettings(CorpusShards):
    """What the labels of a corpus depend on.

    Attributes:
        fusion: how six scores become one.
        knots: of the distribution that is saved beside the labels.
        logistic: fusion `logistic`: the dataset whose human scores the metrics are fitted to.
    """

    fusion: Literal["mean", "quantile", "logistic"]
    knots: Annotated[int, Field(strict=True, ge=2)]
    logistic: str | None = None


class ValidationSettings(Settings):
    """What the comparison of the metrics and their fusions with human scores depends on.

    Attributes:
        dataset: name of the target dataset.
        corpus: the corpus whose distribution the scores are mapped through, if there is one.
    """

    dataset: str
    corpus: str | None
