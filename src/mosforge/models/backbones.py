"""Backbones by name: the facts of each, and the network that turns images into feature vectors."""

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from torch import nn

from mosforge.core.errors import MosforgeError
from mosforge.models import lite0
from mosforge.models.origins import NAMES

# timm and torchvision are imported where they are needed: a first score would wait for them

_TIMM_NAMES = {
    # torchvision's weights of its first recipe, which is the paper's
    "resnet50": "resnet50.tv_in1k",
    "resnet18": "resnet18.tv_in1k",
    # The weights that can be had were trained with TensorFlow's "SAME" padding; timm's plain
    # efficientnet_lite0 loads them without an error and halves the agreement of its predictions. The network
    # itself is `lite0.Lite0`.
    "efficientnet_lite0": "tf_efficientnet_lite0.in1k",
}

_STAGES = 4
"""Stages whose pooled outputs make the multi-level features: a residual network has four."""


@dataclass(frozen=True)
class Backbone:
    """The facts that are needed to use a backbone."""

    name: str  # its name in the configuration
    width: int  # length of the feature vector, which is the input of an ImageNet classifier
    # channels of the stages before the last one, for the multi-level features; none where the network has no
    # stages
    stage_widths: tuple[int, ...]
    input_size: int  # side in pixels of the square images that its weights were trained on
    fixed_size: bool  # whether it takes no other size
    mean: tuple[float, ...]  # subtracted from the red, green and blue samples, on their scale of 0 to 255
    std: tuple[float, ...]  # divided by, on the same scale
    interpolation: str  # filter that those images were scaled with
    # prefixes of the parameters of the ImageNet classifier, which the feature vector bypasses
    classifier: tuple[str, ...]

    def feature_width(self, multi_level: bool) -> int:
        """Length of the feature vector, or of the multi-level one, which holds the earlier stages too."""
        if multi_level and not self.stage_widths:
            raise MosforgeError(f"{self.name} has no stages to pool; set pretraining.multi_level to false")
        return self.width + multi_level * sum(self.stage_widths)

    def check_crop(self, crop: int) -> None:
        """Refuses a size of crops that the network cannot take."""
        if self.fixed_size and crop != self.input_size:
            raise MosforgeError(
                f"{self.name} takes only images of {self.input_size} pixels; set both keys `crop` to it"
            )


_LITE0 = Backbone(
    "efficientnet_lite0",
    lite0.WIDTH,
    lite0.STAGE_WIDTHS[-_STAGES:-1],
    input_size=224,
    fixed_size=False,
    mean=(127.0,) * 3,  # as the network was trained; timm rounds both to 127.5
    std=(128.0,) * 3,
    interpolation="bicubic",
    classifier=("classifier.",),
)


@cache
def find_backbone(name: str) -> Backbone:
    """The facts of a backbone; the state of the random numbers does not change.

    Args:
        name: one of `NAMES`, or a network of timm, written NAME or NAME__TAG (timm's NAME.TAG).

    Raises:
        MosforgeError: there is no such backbone.
    """
    if name == "efficientnet_lite0":
        return _LITE0
    import timm

    if name == "alexnet":
        # The feature vector is the input of the last of AlexNet's three fully connected layers.
        facts = timm.models.get_pretrained_cfg(_TIMM_NAMES["resnet50"])  # torchvision's preprocessing
        return _backbone(name, facts, 4096, (), ("classifier.6.",))
    facts = timm.models.get_pretrained_cfg(timm_name(name))
    with torch.device("meta"):
        network: Any = build_backbone(name)
    width = int(getattr(network, "head_hidden_size", network.num_features))
    stages = [int(stage["num_chs"]) for stage in _stages(network)]
    classifier = facts.classifier
    prefixes = (classifier,) if isinstance(classifier, str) else tuple(classifier or ())
    return _backbone(
        name, facts, width, tuple(stages[-_STAGES:-1]), tuple(f"{prefix}." for prefix in prefixes)
    )


def _backbone(
    name: str, facts: Any, width: int, stage_widths: tuple[int, ...], classifier: tuple[str, ...]
) -> Backbone:
    mean, std = (tuple(255 * value for value in values) for values in (facts.mean, facts.std))
    return Backbone(
        name,
        width,
        stage_widths,
        input_size=int(facts.input_size[-1]),
        fixed_size=bool(facts.fixed_input_size),
        mean=mean,
        std=std,
        interpolation=facts.interpolation,
        classifier=classifier,
    )


def timm_name(name: str) -> str:
    """timm's name of a backbone, with the tag of its weights where there is one.

    Raises:
        MosforgeError: timm has no such network or no such tag; the message names the nearest ones.
    """
    if name in _TIMM_NAMES:
        return _TIMM_NAMES[name]
    import timm

    network, _, tag = name.partition("__")
    if not timm.is_model(network):
        near = difflib.get_close_matches(network, {*NAMES, *timm.list_models()})
        raise MosforgeError(
            f"backbone {name!r} is neither one of {', '.join(NAMES)} nor a network of timm"
            + (f"; did you mean {' or '.join(near)}?" if near else "")
        )
    tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{network}.*")]
    if tag and tag not in tags:
        known = ", ".join(f"{network}__{other}" for other in tags) or "none"
        raise MosforgeError(f"backbone {name!r}: timm has no such weights of {network}; there are {known}")
    return f"{network}.{tag}" if tag else network


def build_backbone(name: str) -> nn.Module:
    """A backbone with random weights: normalised images (n, 3, height, width) -> vectors (n, width)."""
    network: Any
    if name == "efficientnet_lite0":
        return lite0.Lite0()
    if name == "alexnet":
        import torchvision

        network = torchvision.models.alexnet(weights=None)
        network.avgpool = _PoolToSize((6, 6))
        network.classifier[6] = nn.Identity()
    else:
        import timm

        network = timm.create_model(timm_name(name), num_classes=0)
    return network  # type: ignore[no-any-return]


class _PoolToSize(nn.AdaptiveAvgPool2d):
    """Adaptive average pooling that lets maps of its size pass, as AlexNet's are at 224 pixels.

    The pooling would leave them as they are, but its gradient on CUDA is not deterministic.
    """

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """Maps (n, channels, height, width) -> maps of the output size."""
        return planes if planes.shape[-2:] == self.output_size else super().forward(planes)


def multi_level_features(backbone: Any, planes: torch.Tensor) -> torch.Tensor:
    """Global means of the stages before the last one, and the feature vector, in one vector.

    In a residual network these are the pooled outputs of its four stages. In every network the last part is
    the vector that the network's classifier would see, so that no pretrained layer is left out.

    Args:
        backbone: of timm, or `Lite0`, with stages.
        planes: normalised images (n, 3, height, width).

    Returns:
        Shape (n, `Backbone.feature_width(True)`).
    """
    count = len(_stages(backbone))
    earlier = list(range(count))[-_STAGES:-1]
    last, stages = backbone.forward_intermediates(planes, indices=earlier)
    return torch.cat([*(stage.mean((2, 3)) for stage in stages), backbone.forward_head(last)], dim=1)


def first_stages(name: str, network: Any, count: int | Literal["all"]) -> list[nn.Parameter]:
    """The parameters of a backbone's stem and of its first stages.

    Args:
        name: of the backbone.
        network: the backbone.
        count: number of stages; 0: nothing; `all`: the whole backbone, which may have no stages.

    Raises:
        MosforgeError: the backbone has fewer stages.
    """
    if count == "all":
        return list(network.parameters())
    if count == 0:
        return []
    stages: dict[int, list[str]] = {}
    if hasattr(network, "group_matcher"):
        import timm

        stages = timm.models.group_parameters(network, network.group_matcher(coarse=True))
    if count > len(stages) - 1:
        has = f"only {len(stages) - 1}" if stages else "none"
        raise MosforgeError(f"frozen_stages: {count}: {name} has {has}; choose fewer, 0 or all")
    return [network.get_parameter(key) for stage in range(count + 1) for key in stages[stage]]


def _stages(network: Any) -> Any:
    """timm's facts of a network's stages; none where it cannot give their outputs."""
    if not hasattr(network, "forward_intermediates"):
        return []
    facts = network.feature_info
    return facts.info if hasattr(facts, "info") else facts


def without_classifier(name: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """An ImageNet network's weights, without those that `build_backbone(name)` does not have."""
    prefixes = find_backbone(name).classifier
    return {key: value for key, value in state.items() if not key.startswith(prefixes)}
