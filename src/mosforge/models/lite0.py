"""EfficientNet-Lite0 without its classifier, the backbone of the built-in model.

It is timm's `tf_efficientnet_lite0` to the bit, and its weights have the same names. timm brings torchvision
along, and both take longer to import than all the rest of a first score; so this one network stands here.
"""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

_STEM = 32
WIDTH = 1280
_EXPANSION = 6
# of each group of blocks: blocks, side of the depthwise kernel, stride of the first block, channels
_GROUPS = (
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
    (1, 3, 1, 320),
)
_LAST_OF_STAGE = (0, 1, 2, 4, 6)
"""The groups after which the maps are as small as they get in a stage."""

STAGE_WIDTHS = tuple(_GROUPS[i][-1] for i in _LAST_OF_STAGE)


class Lite0(nn.Module):
    """EfficientNet-Lite0: normalised images (n, 3, height, width) -> vectors (n, 1280)."""

    feature_info = tuple({"num_chs": width} for width in STAGE_WIDTHS)

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _SameConv(3, _STEM, 3, 2)
        self.bn1 = _norm(_STEM)
        self.blocks, before = nn.Sequential(), _STEM
        for blocks, kernel, stride, channels in _GROUPS:
            kind, group = _Inverted if len(self.blocks) else _Separable, nn.Sequential()
            for i in range(blocks):
                group.append(kind(before, channels, kernel, 1 if i else stride))
                before = channels
            self.blocks.append(group)
        self.conv_head = _SameConv(before, WIDTH, 1)
        self.bn2 = _norm(WIDTH)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):  # as its authors start it
                fan_out = math.prod(layer.kernel_size) * layer.out_channels // layer.groups
                nn.init.normal_(layer.weight, 0, math.sqrt(2 / fan_out))

    def forward(self, planes: Tensor) -> Tensor:
        """Normalised images (n, 3, height, width) -> vectors (n, 1280)."""
        return self.forward_head(self.forward_intermediates(planes, ())[0])

    def forward_intermediates(self, planes: Tensor, indices: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """The last maps, and those after some of the stages.

        Args:
            planes: normalised images (n, 3, height, width).
            indices: of the stages.
        """
        maps, wanted = _activate(self.bn1(self.conv_stem(planes))), [_LAST_OF_STAGE[i] for i in indices]
        found = []
        for i, group in enumerate(self.blocks):
            maps = group(maps)
            if i in wanted:
                found.append(maps)
        return _activate(self.bn2(self.conv_head(maps))), found

    def forward_head(self, maps: Tensor) -> Tensor:
        """The last maps (n, 1280, height, width) -> vectors (n, 1280)."""
        vectors: Tensor = self.global_pool(maps).flatten(1)
        return vectors

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """The names of the weights of the stem and of each group of blocks, as timm's networks give them."""
        blocks = r"^blocks\.(\d+)" if coarse else r"^blocks\.(\d+)\.(\d+)"
        return {"stem": r"^conv_stem|bn1", "blocks": [(blocks, None), (r"conv_head|bn2", (99999,))]}


class _SameConv(nn.Conv2d):
    """A convolution whose output has 1/stride of the input's size, rounded up, as TensorFlow pads it."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(before, after, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, channels, height, width) -> maps."""
        if self.stride[0] > 1:
            maps = functional.pad(maps, [*self._sides(maps.shape[3]), *self._sides(maps.shape[2])])
        return super().forward(maps)

    def _sides(self, size: int) -> tuple[int, int]:
        """Zeros before and after the samples of a row or a column."""
        stride, kernel = self.stride[0], self.kernel_size[0]
        missing = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
        return missing // 2, missing - missing // 2


class _Separable(nn.Module):
    """A depthwise convolution, and one of single pixels."""

    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = _SameConv(before, before, kernel, stride, groups=before)
        self.bn1 = _norm(before)
        self.conv_pw = _SameConv(before, after, 1)
        self.bn2 = _norm(after)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, channels, height, width) -> maps."""
        out: Tensor = self.bn2(self.conv_pw(_activate(self.bn1(self.conv_dw(maps)))))
        return out


class _Inverted(nn.Module):
    """An inverted residual: more channels, a depthwise convolution, fewer channels."""

    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = _EXPANSION * before
        self.conv_pw = _SameConv(before, inner, 1)
        self.bn1 = _norm(inner)
        self.conv_dw = _SameConv(inner, inner, kernel, stride, groups=inner)
        self.bn2 = _norm(inner)
        self.conv_pwl = _SameConv(inner, after, 1)
        self.bn3 = _norm(after)
        self.is_residual = stride == 1 and before == after

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, channels, height, width) -> maps."""
        inner = _activate(self.bn2(self.conv_dw(_activate(self.bn1(self.conv_pw(maps))))))
        out: Tensor = self.bn3(self.conv_pwl(inner))
        return out + maps if self.is_residual else out


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _activate(maps: Tensor) -> Tensor:
    return functional.relu6(maps, inplace=True)
