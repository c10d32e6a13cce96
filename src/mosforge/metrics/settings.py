"""The settings of the jobs of `metrics`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import Settings
from mosforge.core.values import Engine, Scale


class ScoreSettings(Settings):
    """What the scores of a shard depend on."""

    engine: Engine
    scale: Scale


class ScoreDatasetSettings(ScoreSettings):
    """What the scores of a target dataset depend on."""

    dataset: str
