"""The loss that keeps what the first weights know."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mosforge.core.packs import Pack
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table
from mosforge.models.folder import load_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network
from mosforge.pretraining.distillation import Distillation
from mosforge.pretraining.pretrain import pretrain
from mosforge.pretraining.pretrain_settings import PretrainingSettings

CPU = torch.device("cpu")


def crops(pack: Path, count: int = 8) -> torch.Tensor:
    images = Pack(read_table(pack, PACK))
    return torch.from_numpy(images.crops(np.arange(count), np.full((count, 3), 0.5, np.float32), 64))


@pytest.mark.parametrize("multi_level", [False, True])
def test_it_is_zero_at_the_start_and_leaves_no_trace_in_the_network(corpus: Any, multi_level: bool) -> None:
    cfg = PretrainingSettings(**corpus.cfg | {"distillation": 2.0, "multi_level": multi_level})
    torch.manual_seed(0)
    network = Network("efficientnet_lite0", MultiTaskHead(1280, 3), multi_level).eval()
    keys = list(network.state_dict())
    keep = Distillation(network, Pack(read_table(corpus.pack, PACK)), cfg, "auto", CPU)
    planes = network.normalise(crops(corpus.pack))
    assert keep(planes, network.describe(planes)).item() == 0
    with torch.no_grad():
        network.backbone.get_parameter("conv_head.weight").mul_(1.1)
    moved = keep(planes, network.describe(planes))
    assert moved.item() > 0
    moved.backward()  # type: ignore[no-untyped-call]
    assert network.backbone.get_parameter("conv_head.weight").grad is not None
    assert list(network.state_dict()) == keys


def test_it_is_the_mean_over_features_in_their_own_deviations(corpus: Any) -> None:
    cfg = PretrainingSettings(**corpus.cfg | {"distillation": 3.0})
    network = Network("efficientnet_lite0", MultiTaskHead(1280, 3)).eval()
    images = Pack(read_table(corpus.pack, PACK))
    keep = Distillation(network, images, cfg, "auto", CPU)
    planes = network.normalise(crops(corpus.pack))
    with torch.no_grad():
        features = network.describe(planes)
    assert keep(planes, features + keep._deviations).item() == pytest.approx(3.0, rel=1e-5)
    assert keep._deviations.min() >= 0.05


@pytest.mark.slow
def test_a_pretraining_with_it_stays_nearer_to_its_first_weights(corpus: Any, tmp_path: Path) -> None:
    pixels = crops(corpus.pack)
    with torch.inference_mode():
        start = Network("efficientnet_lite0", MultiTaskHead(1280, 3)).eval()
        from mosforge.models.weights import load_backbone

        load_backbone(start, corpus.weights)
        first = start.describe(start.normalise(pixels))
        moved = {}
        for weight in (0.0, 100.0):
            cfg = PretrainingSettings(**corpus.cfg | {"distillation": weight, "frozen_statistics": True})
            with torch.inference_mode(False), torch.enable_grad():
                pretrain(
                    [corpus.labels], [corpus.pack], corpus.weights, output=tmp_path / str(weight), cfg=cfg
                )
            network, card = load_model(tmp_path / str(weight))
            assert card["distillation"] == weight
            moved[weight] = (network.describe(network.normalise(pixels)) - first).square().mean().item()
            history = read_table(tmp_path / str(weight) / "history.parquet", HISTORY)
            assert history["kept_loss"].notna().all() == (weight > 0)
    assert moved[100.0] < moved[0.0] / 2
