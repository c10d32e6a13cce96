"""The settings that pretraining and fine-tuning share."""

from collections.abc import Mapping
from typing import Any

from mosforge.core.settings import Settings
from mosforge.core.values import Count, Flag, Fraction, FrozenStages, Schedule, Whole


class TrainingSettings(Settings):
    """How a network is trained."""

    seed: Whole
    crop: Count
    flip: Flag
    epochs: Whole
    patches: Count = 1
    batch_size: Count
    learning_rates: Mapping[Any, Fraction]
    schedule: Schedule
    warm_up: Whole = 0
    frozen_stages: FrozenStages = 0
    frozen_statistics: Flag = False
    multi_level: Flag
    backbone: str
