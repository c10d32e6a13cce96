"""The network: from 8-bit pixels to what its head gives."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mosforge.core.errors import MosforgeError
from mosforge.models.backbones import build_backbone, find_backbone, multi_level_features
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.models.origins import NAMES


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_pixels_are_normalised_by_the_card(name: str) -> None:
    torch.manual_seed(0)
    network = Network(name, ScoreHead(find_backbone(name).width, 0.5)).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3)).astype(np.uint8)
    planes = ((pixels - np.array(find_backbone(name).mean)) / np.array(find_backbone(name).std)).transpose(
        0, 3, 1, 2
    )
    bare = build_backbone(name).eval()
    bare.load_state_dict(network.backbone.state_dict())
    with torch.inference_mode():
        expected = network.head(bare(torch.tensor(planes, dtype=torch.float32)))
        got = network(torch.from_numpy(pixels))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_the_card_is_not_saved_among_the_weights() -> None:
    with torch.device("meta"):
        network = Network("resnet18", MultiTaskHead(512, 2))
    assert all(key.startswith(("backbone.", "head.")) for key in network.state_dict())


def test_multi_level_features_reach_the_head() -> None:
    torch.manual_seed(0)
    network = Network("resnet18", ScoreHead(960, 0.5), multi_level=True).eval()
    pixels = torch.randint(0, 256, (2, 64, 80, 3), dtype=torch.uint8)
    planes = (pixels.permute(0, 3, 1, 2).float() - network.mean) / network.std
    torch.nn.init.normal_(network.head.fc2.weight)
    with torch.inference_mode():
        expected = network.head(multi_level_features(network.backbone, planes))
        torch.testing.assert_close(network(pixels), expected)
        assert expected[0] != expected[1]


@pytest.mark.slow
@pytest.mark.parametrize("multi_level", [False, True])
def test_all_of_the_backbone_is_compiled(monkeypatch: pytest.MonkeyPatch, multi_level: bool) -> None:
    """The multi-level features do not call the backbone itself; they are one graph all the same."""
    graphs: list[torch.fx.GraphModule] = []

    def counting(graph: torch.fx.GraphModule, _: object) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counting))
    width = find_backbone("resnet18").feature_width(multi_level)
    network = Network("resnet18", ScoreHead(width, 0.5), multi_level).eval()
    torch.nn.init.normal_(network.head.fc2.weight)
    pixels = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    keys = network.state_dict().keys()
    with torch.inference_mode():
        expected = network(pixels)
        network.compile_features()
        torch.testing.assert_close(network(pixels), expected)
    assert len(graphs) == 1
    assert network.state_dict().keys() == keys


def test_the_backbone_runs_channels_last_and_the_head_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on CUDA, where the backbone runs in bfloat16: autocast does so on the CPU, too."""
    autocast = torch.autocast
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: autocast("cpu", torch.bfloat16))
    network = Network("resnet18", ScoreHead(512, 0.5)).eval()
    seen: dict[str, torch.Tensor] = {}
    network.backbone.register_forward_pre_hook(lambda _, given: seen.update(planes=given[0]))
    network.backbone.register_forward_hook(lambda _, __, vectors: seen.update(features=vectors))
    network.head.register_forward_pre_hook(lambda _, given: seen.update(given=given[0]))
    with torch.inference_mode():
        score = network(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8))
    assert seen["planes"].is_contiguous(memory_format=torch.channels_last)
    weight = network.backbone.get_parameter("layer1.0.conv1.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()
    assert seen["features"].dtype == torch.bfloat16
    assert seen["given"].dtype == score.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_in_one_group(name: str) -> None:
    with torch.device("meta"):
        network = Network(name, MultiTaskHead(find_backbone(name).width, 2))
    groups = network.parameter_groups()
    assert set(groups) == {"backbone", "classification", "score"}
    listed = [id(parameter) for group in groups.values() for parameter in group]
    assert sorted(listed) == sorted(id(parameter) for parameter in network.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_head_runs_in_float32() -> None:
    network = Network("resnet18", ScoreHead(512, 0.5)).cuda().eval()
    pixels = torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8, device="cuda")
    with torch.inference_mode():
        assert network(pixels).dtype == torch.float32


def test_frozen_statistics_stay_while_the_weights_train() -> None:
    network = Network("resnet18", ScoreHead(512, 0.5))
    network.frozen_statistics = True
    before = {key: value.clone() for key, value in network.backbone.named_buffers()}
    network.train()
    network(torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)).sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in network.backbone.named_buffers())
    assert network.backbone.get_parameter("bn1.weight").grad is not None
    assert network.head.training
    network.frozen_statistics = False
    network.train()
    network(torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8))
    assert not all(torch.equal(value, before[key]) for key, value in network.backbone.named_buffers())


@pytest.mark.parametrize(
    ("name", "last", "first"),
    [
        ("resnet18", "layer2.1.bn2.bias", "layer3.0.conv1.weight"),
        ("efficientnet_lite0", "blocks.1.1.bn3.bias", "blocks.2.0.conv_pw.weight"),
    ],
)
def test_the_stem_and_the_first_stages_are_frozen(name: str, last: str, first: str) -> None:
    with torch.device("meta"):
        network = Network(name, ScoreHead(find_backbone(name).width, 0.5))
    network.freeze_stages(0)
    assert all(parameter.requires_grad for parameter in network.parameters())
    network.freeze_stages(2)
    names = [key for key, _ in network.backbone.named_parameters()]
    frozen = [key for key, value in network.backbone.named_parameters() if not value.requires_grad]
    assert frozen == names[: len(frozen)]
    assert frozen[-1] == last
    assert names[len(frozen)] == first


@pytest.mark.parametrize("name", ["resnet18", "alexnet"])
def test_a_frozen_backbone_is_used_as_in_evaluation_and_only_the_head_learns(name: str) -> None:
    network = Network(name, ScoreHead(find_backbone(name).width, 0.0))
    torch.nn.init.normal_(network.head.fc2.weight)
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    expected = network.eval().vectors(pixels)
    network.freeze_stages("all")
    network.train()
    before = {key: value.clone() for key, value in network.backbone.state_dict().items()}
    vectors = network.vectors(pixels)
    assert not vectors.requires_grad
    torch.testing.assert_close(vectors, expected, rtol=0, atol=0)
    network(pixels).sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in network.backbone.state_dict().items())
    assert network.head.training
    trained = {key for key, parameter in network.named_parameters() if parameter.grad is not None}
    assert trained == {f"head.{key}" for key, _ in network.head.named_parameters()}


@pytest.mark.parametrize(("name", "fact"), [("resnet18", "has only 4"), ("alexnet", "has none")])
def test_more_stages_than_there_are_cannot_be_frozen(name: str, fact: str) -> None:
    with torch.device("meta"):
        network = Network(name, ScoreHead(find_backbone(name).width, 0.5))
    with pytest.raises(MosforgeError, match=f"frozen_stages: 5: {name} {fact}"):
        network.freeze_stages(5)


STRIDED_OVER_COLOURS = ("fastvit_t8", "mobileone_s0", "repvgg_a0")
"""Networks of timm whose first layers have a strided convolution of one pixel over the three colours."""

OTHERS = (
    *("resnet18", "efficientnet_lite0", "alexnet", "mobilenetv3_small_050", "convnext_atto", "regnety_002"),
    *("vit_tiny_patch16_224", "ghostnet_050", "mnasnet_small", "hardcorenas_a", "edgenext_xx_small"),
    *("levit_128s", "efficientvit_b0", "mobilevit_xxs", "lcnet_035", "tinynet_e", "repvit_m0_9"),
)


@pytest.mark.parametrize("name", [STRIDED_OVER_COLOURS[-1], "resnet18"])
def test_planes_stay_whole_where_torch_needs_it(name: str) -> None:
    network = Network(name, ScoreHead(find_backbone(name).width, 0.0)).eval()
    seen: list[torch.Tensor] = []
    network.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network(torch.zeros(2, 64, 80, 3, dtype=torch.uint8))
    assert seen[0].is_contiguous() is (name in STRIDED_OVER_COLOURS)
    weights = [weight for weight in network.backbone.parameters() if weight.ndim == 4 and weight.shape[1] > 1]
    assert all(weight.is_contiguous() for weight in weights if weight.shape[2] > 1) is seen[0].is_contiguous()


@pytest.mark.slow
def test_networks_of_any_kind_train_on_the_cpu() -> None:
    """In processes of their own: memory that torch overwrites ends a process without a message."""
    names = [*STRIDED_OVER_COLOURS, *OTHERS]
    checked = Path("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0")
    debugging = {"LD_PRELOAD": str(checked), "MALLOC_CHECK_": "3"} if checked.exists() else {}
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("train_steps.py"), *names],
        env={**os.environ, **debugging},
        capture_output=True,
        text=True,
    )
    assert len(names) == 20
    assert run.stdout.splitlines() == [f"{name} 0" for name in names], run.stderr
