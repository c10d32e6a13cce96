"""Weights (tensors by name): read, written, reduced to a backbone's, and adapted to a network."""

import os
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mosforge.core.errors import MosforgeError, first_line
from mosforge.models.network import Network

Weights = dict[str, torch.Tensor]

_MAY_BE_MISSING = ("num_batches_tracked", "head.mean", "head.deviation")


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """The tensors of a file in safetensors format.

    Raises:
        MosforgeError: the file is missing or damaged.
    """
    try:
        weights: Weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise unreadable_weights(path, error) from None
    return weights


def write_weights(weights: Weights, path: str | os.PathLike[str]) -> None:
    """Writes tensors to a file in safetensors format.

    The format refuses tensors that share memory. A network that uses a layer twice (timm's CoaT) has it under
    two names, so every tensor is copied before it is written.
    """
    save_file(
        {key: value.cpu().clone(memory_format=torch.contiguous_format) for key, value in weights.items()},
        path,
    )


def halved(weights: Weights) -> Weights:
    """The matrices and kernels as float16, and the rest, which is small, as it is.

    The statistics of batch normalisation and of features, and biases, stay exact so.

    Raises:
        MosforgeError: a weight is too large for float16.
    """
    halves = {key: value.half() if value.ndim > 1 else value for key, value in weights.items()}
    if lost := [
        key for key, value in halves.items() if value.is_floating_point() and not value.isfinite().all()
    ]:
        raise MosforgeError(f"{lost[0]}: too large for float16; keep the model in single precision")
    return halves


def unreadable_weights(path: str | os.PathLike[str], error: Exception) -> MosforgeError:
    """The error about a file that cannot be read as weights."""
    reason = f"not a file of weights ({first_line(error)})"
    return MosforgeError(f"{path}: {reason}; put it there again, or delete it and run again")


def backbone_weights(weights: Weights) -> Weights:
    """The backbone's part of a trained model's weights; ImageNet weights are returned unchanged."""
    prefix = "backbone."
    trained = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    return trained or weights


def adapt_weights(
    weights: Weights, network: torch.nn.Module, path: str | os.PathLike[str], name: str = "the network"
) -> Weights:
    """The weights in the order and with the data types of a network.

    Args:
        weights: older files lack the counters of batch normalisation, which change no result, and the mean
            and deviation that a head standardises features by, which are then 0 and 1.
        network: the network that gets the weights.
        path: the weights' file, for the error.
        name: the network's name, for the error.

    Raises:
        MosforgeError: they are not the weights of such a network.
    """
    expected: dict[str, Any] = network.state_dict()
    missing = {key for key in expected.keys() - weights.keys() if not key.endswith(_MAY_BE_MISSING)}
    unknown = weights.keys() - expected.keys()
    shapes = {key for key in expected.keys() & weights.keys() if expected[key].shape != weights[key].shape}
    if missing or unknown or shapes:
        example = sorted(missing | unknown | shapes)[0]
        raise MosforgeError(f"{path}: the weights do not fit {name} (see {example!r})")
    return {key: weights.get(key, expected[key]).to(expected[key].dtype) for key in expected}


def load_backbone(network: Network, path: str | os.PathLike[str]) -> None:
    """Gives a network's backbone the weights of a file of ImageNet weights, or of a trained model's file."""
    weights = backbone_weights(read_weights(path))
    network.backbone.load_state_dict(adapt_weights(weights, network.backbone, path))
