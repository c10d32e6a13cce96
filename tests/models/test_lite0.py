"""EfficientNet-Lite0: timm's network to the bit, without the imports of timm."""

import subprocess
import sys

import pytest
import timm
import torch

from mosforge.models.backbones import find_backbone
from mosforge.models.lite0 import STAGE_WIDTHS, Lite0

INDICES = [1, 2, 3]


@pytest.fixture(scope="module")
def networks() -> tuple[Lite0, torch.nn.Module]:
    """Ours and timm's with the same random weights and statistics, for which every layer counts."""
    torch.manual_seed(0)
    ours, theirs = Lite0(), timm.create_model("tf_efficientnet_lite0", num_classes=0)
    state = theirs.state_dict()
    for value in state.values():
        if value.ndim == 1:
            value.copy_(torch.rand(value.shape) + 0.5)
    ours.load_state_dict(state)
    return ours, theirs


@pytest.mark.parametrize("shape", [(64, 64), (97, 130), (33, 32)])
def test_the_features_are_timms(networks: tuple[Lite0, torch.nn.Module], shape: tuple[int, int]) -> None:
    ours, theirs = (network.eval() for network in networks)
    planes = torch.randn(2, 3, *shape)
    with torch.inference_mode():
        assert torch.equal(ours(planes), theirs(planes))
        last, stages = ours.forward_intermediates(planes, INDICES)
        their_last, their_stages = theirs.forward_intermediates(planes, indices=INDICES)
        assert torch.equal(ours.forward_head(last), theirs.forward_head(their_last))
        assert len(stages) == len(INDICES)
        assert all(torch.equal(a, b) for a, b in zip(stages, their_stages, strict=True))


def test_the_gradients_are_timms(networks: tuple[Lite0, torch.nn.Module]) -> None:
    torch.set_num_threads(1)
    planes = torch.randn(4, 3, 64, 64)
    for network in networks:
        network.train().zero_grad()
        network(planes).square().mean().backward()
    ours, theirs = (dict(network.named_parameters()) for network in networks)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name].grad, theirs[name].grad) for name in ours)
    assert all(
        torch.equal(ours, theirs)
        for ours, theirs in zip(*(network.state_dict().values() for network in networks), strict=True)
    )


def test_it_starts_from_random_weights_as_timms_does() -> None:
    theirs = timm.create_model("tf_efficientnet_lite0", num_classes=0).state_dict()
    for name, value in Lite0().state_dict().items():
        if value.numel() > 1000:
            assert float(value.std()) == pytest.approx(float(theirs[name].std()), rel=0.15), name
        elif value.ndim == 1:
            assert torch.equal(value, theirs[name]), name


def test_the_groups_of_weights_and_the_facts_are_timms(networks: tuple[Lite0, torch.nn.Module]) -> None:
    ours, theirs = networks
    for coarse in (False, True):
        assert ours.group_matcher(coarse) == theirs.group_matcher(coarse)
    assert [info["num_chs"] for info in theirs.feature_info] == list(STAGE_WIDTHS)
    facts, card = timm.models.get_pretrained_cfg("tf_efficientnet_lite0"), find_backbone("efficientnet_lite0")
    assert (card.width, card.input_size) == (theirs.num_features, facts.input_size[-1])
    assert (card.fixed_size, card.interpolation) == (facts.fixed_input_size, facts.interpolation)
    assert card.classifier == (f"{facts.classifier}.",)
    assert 255 * facts.mean[0] == pytest.approx(card.mean[0], abs=1)
    assert 255 * facts.std[0] == pytest.approx(card.std[0], abs=1)


@pytest.mark.slow
def test_a_first_score_does_not_wait_for_other_libraries() -> None:
    code = (
        "import sys; from mosforge import Scorer; from mosforge.models.network import Network;"
        "from mosforge.models.heads import ScoreHead; Network('efficientnet_lite0', ScoreHead(1280, 0.5));"
        "print([m for m in ('timm', 'torchvision', 'scipy', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
