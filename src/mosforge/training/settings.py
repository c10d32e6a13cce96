"""The settings that pretraining and fine-tuning share."""

from mosforge.core.settings import Settings
from mosforge.core.values import Amount, Count, Decay, Flag, Optimiser, Schedule, Whole


class TrainingSettings(Settings):
    """How a network is trained."""

    seed: Whole
    crop: Count
    flip: Flag
    epochs: Count
    batch_size: Count
    optimiser: Optimiser
    weight_decay: Amount
    schedule: Schedule
    gradient_clip: Amount
    weight_average: Decay
    warm_up: Whole = 0
    multi_level: Flag
    backbone: str
