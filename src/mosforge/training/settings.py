"""The settings that pretraining and fine-tuning share."""

from mosforge.core.settings import Settings
from mosforge.core.values import Amount, Count, Decay, Flag, Optimiser, Schedule, Whole


class TrainingSettings(Settings):
    """How a network is trained.

    Attributes:
        seed: of the order, the crops, the dropout and the heads' first weights.
        crop: side of the crops, in pixels.
        flip: mirror half of the crops.
        epochs: passes over the samples.
        batch_size: crops in a step.
        optimiser: with betas of 0.9 and 0.999.
        weight_decay: of the optimiser.
        schedule: of the learning rates: `constant`, or `cosine` (a warm-up, then half a cosine down to zero).
        gradient_clip: largest norm of the gradients; 0: no clipping.
        weight_average: decay in a step of the running average of the weights that is kept instead of the
            last ones; 0: no average.
        warm_up: schedule `cosine`: steps over which the rates rise; a twentieth of all steps if that is less.
        multi_level: features of all stages of the backbone.
        backbone: name of the network.
    """

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
