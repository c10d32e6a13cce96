"""The last batch of an epoch, which may hold a single crop: not every network can learn from that."""

import copy

import torch

from mosforge.core.errors import MosforgeError
from mosforge.models.network import Network
from mosforge.training.recipe import Recipe


def check_last_batch(network: Network, samples: int, recipe: Recipe) -> None:
    """Refuses a last batch of one crop for a network that normalises over a batch of vectors.

    Batch normalisation of maps has many values in a single crop; after the pooling, where timm's
    MobileNetV4 has one, there is one value, and torch stops.

    Args:
        network: on the CPU; a copy of it is tried.
        samples: crops of an epoch.
        recipe: how it is going to be trained.

    Raises:
        MosforgeError: the network cannot take the batch.
    """
    if samples % recipe.batch_size != 1 % recipe.batch_size:
        return
    try:
        with torch.no_grad():
            copy.deepcopy(network).train()(torch.zeros((1, recipe.crop, recipe.crop, 3), dtype=torch.uint8))
    except ValueError:
        crops = f"{samples} in batches of {recipe.batch_size}"
        raise MosforgeError(
            f"an epoch's last batch would be a single crop ({crops}), which this network cannot normalise; "
            "set the key batch_size to another number"
        ) from None
