"""The training loop that pretraining and fine-tuning share."""

from mosforge.training.loop import fit
from mosforge.training.recipe import Recipe, pick_device

__all__ = ["Recipe", "fit", "pick_device"]
