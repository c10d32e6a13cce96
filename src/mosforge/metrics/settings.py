"""The settings of the jobs of the stage `metrics`."""

from typing import Literal

from mosforge.core.settings import Settings


class ScoreSettings(Settings):
    """What the scores of a shard depend on.

    Attributes:
        engine: what computes the metrics.
    """

    engine: Literal["fused", "piq"]


class ScoreDatasetSettings(ScoreSettings):
    """What the scores of a target dataset depend on.

    Attributes:
        dataset: its name.
    """

    dataset: str
