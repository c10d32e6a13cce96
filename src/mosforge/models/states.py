"""Weights as tensors by name: in a file, cut to a backbone, and compared with a network."""

import os
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mosforge.core.errors import MosforgeError

State = dict[str, torch.Tensor]


def read_state(path: str | os.PathLike[str]) -> State:
    """The tensors of a file in safetensors format.

    Raises:
        MosforgeError: the file is missing or damaged.
    """
    try:
        state: State = load_file(path)
    except (OSError, SafetensorError) as error:
        raise not_weights(path, error) from None
    return state


def write_state(state: State, path: str | os.PathLike[str]) -> None:
    """Writes tensors to a file in safetensors format, which has no two in one memory.

    A network that uses a layer twice (timm's CoaT) has it under two names, and each is written.
    """
    save_file(
        {key: value.cpu().clone(memory_format=torch.contiguous_format) for key, value in state.items()}, path
    )


def not_weights(path: str | os.PathLike[str], error: Exception) -> MosforgeError:
    """The error about a file that cannot be read as weights."""
    reason = f"not a file of weights ({first_line(error)})"
    return MosforgeError(f"{path}: {reason}; put it there again, or delete it and run again")


def first_line(error: Exception) -> str:
    """The first line of a library's message, which may go on with a page of advice."""
    return str(error).partition("\n")[0]


def backbone_part(state: State) -> State:
    """The backbone of a trained model's weights; ImageNet weights as they are."""
    prefix = "backbone."
    trained = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return trained or state


def fitting(
    state: State, network: torch.nn.Module, path: str | os.PathLike[str], name: str = "the network"
) -> State:
    """The weights in the order and with the types that a network has.

    Args:
        state: the weights; older files lack the counters of batch normalisation, which change no result.
        network: what they are for.
        path: where they come from, for the error.
        name: of the network, for the error.

    Raises:
        MosforgeError: they are not those of such a network.
    """
    expected: dict[str, Any] = network.state_dict()
    missing = {key for key in expected.keys() - state.keys() if not key.endswith("num_batches_tracked")}
    unknown = state.keys() - expected.keys()
    shapes = {key for key in expected.keys() & state.keys() if expected[key].shape != state[key].shape}
    if missing or unknown or shapes:
        example = sorted(missing | unknown | shapes)[0]
        raise MosforgeError(f"{path}: the weights do not fit {name} (see {example!r})")
    return {key: state.get(key, expected[key]).to(expected[key].dtype) for key in expected}
