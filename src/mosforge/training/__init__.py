"""The training loop that pretraining and fine-tuning share."""

from mosforge.training.loop import fit
from mosforge.training.recipe import Recipe, pick_device
from mosforge.training.setup import Setup, set_up

__all__ = ["Recipe", "Setup", "fit", "pick_device", "set_up"]
