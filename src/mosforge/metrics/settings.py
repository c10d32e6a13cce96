"""The settings of the jobs of the stage `metrics`."""

from mosforge.core.settings import Settings
from mosforge.core.values import Engine


class ScoreSettings(Settings):
    """What the scores of a shard depend on.

    Attributes:
        engine: what computes the metrics.
    """

    engine: Engine


class ScoreDatasetSettings(ScoreSettings):
    """What the scores of a target dataset depend on.

    Attributes:
        dataset: its name.
    """

    dataset: str
