"""A backbone with a head, fed with 8-bit pixels."""

import contextlib
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mosforge.models.backbones import build_backbone, find_backbone, first_stages, multi_level_features
from mosforge.models.heads import MultiTaskHead, ScoreHead

Precision = Literal["auto", "float32", "bfloat16"]
"""What a backbone computes in; `auto` is bfloat16 on CUDA and float32 on the CPU."""


class Network(nn.Module):
    """Backbone and head; the normalisation of the pixels is part of it.

    Its attribute `precision` is what the backbone computes in; with `frozen_statistics`, batch normalisation
    keeps its means and variances while the network trains. With `frozen_backbone`, the whole backbone is used
    as in evaluation, and nothing is kept for its gradient.

    Args:
        backbone: name of the backbone.
        head: a `MultiTaskHead` or a `ScoreHead` for the width of the backbone's features.
        multi_level: features of all stages of the backbone, and not only of the last one.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str, head: MultiTaskHead | ScoreHead, multi_level: bool = False) -> None:
        super().__init__()
        facts = find_backbone(backbone)
        self.name = backbone
        bare = build_backbone(backbone)
        self._layout = torch.contiguous_format if _needs_planes(bare) else torch.channels_last
        self.backbone = bare.to(memory_format=self._layout)
        self.head = head
        self.multi_level = multi_level
        self.precision: Precision = "auto"
        self.frozen_statistics = False
        self.frozen_backbone = False
        # Facts of the backbone, not weights: they are not saved.
        self.register_buffer("mean", torch.tensor(facts.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(facts.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Any:
        """uint8 RGB pixels (n, height, width, 3) -> the outputs of the head.

        The head always runs in float32: bfloat16's steps of .004 near .7 would tie scores.
        """
        return self.head(self.vectors(pixels))

    def vectors(self, pixels: Tensor) -> Tensor:
        """uint8 RGB pixels (n, height, width, 3) -> what the head is given, float32 (n, width)."""
        planes = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        if self._layout is torch.contiguous_format:
            planes = planes.contiguous()
        kind = planes.device.type
        enabled = self.precision == "bfloat16" or (self.precision == "auto" and kind == "cuda")
        without_gradient = torch.no_grad() if self.frozen_backbone else contextlib.nullcontext()
        with torch.autocast(kind, torch.bfloat16, enabled=enabled), without_gradient:
            features = self.features(planes)
        return features.float()

    def features(self, planes: Tensor) -> Tensor:
        """Normalised images (n, 3, height, width) -> the vectors (n, width) that the head sees.

        This part can be compiled.
        """
        vectors: Tensor = (
            multi_level_features(self.backbone, planes) if self.multi_level else self.backbone(planes)
        )
        return vectors

    def compile_features(self) -> None:
        """Lets `torch.compile` build the kernels of `features` for each size of batch and images."""
        self.features = torch.compile(self.features, dynamic=False)  # type: ignore[method-assign]

    def train(self, mode: bool = True) -> "Network":
        """Sets the network to training or evaluation; see `frozen_statistics` and `frozen_backbone`."""
        super().train(mode)
        if self.frozen_backbone:
            self.backbone.eval()
        if self.frozen_statistics:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def freeze_stages(self, count: int | Literal["all"]) -> None:
        """Lets the backbone's stem and its first stages keep their weights, or all of the backbone."""
        self.frozen_backbone = count == "all"
        for parameter in first_stages(self.name, self.backbone, count):
            parameter.requires_grad_(False)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the name of their learning rate."""
        return {"backbone": list(self.backbone.parameters()), **self.head.parameter_groups()}


def _needs_planes(backbone: nn.Module) -> bool:
    """Whether torch trains a backbone only in the layout of whole planes.

    With the channels last, torch 2.14 on a CPU with AVX-512 writes outside its memory in the gradient of a
    strided convolution of one pixel over fewer than 16 channels, a vector's width.
    """
    return any(
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and max(layer.stride) > 1
        and layer.in_channels < 16
        for layer in backbone.modules()
    )
