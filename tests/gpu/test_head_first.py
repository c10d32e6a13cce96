"""`finetuning.head_first` on a GPU: the head learns from its features, and the network stays there."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from small_training import BACKBONE, CROP, IMAGES, images

from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table
from mosforge.finetuning.finetune_settings import FinetuningSettings, HeadFirstSettings
from mosforge.finetuning.head_first import crop_features, train_head_first
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.training.setup import Setup

CFG = FinetuningSettings(
    **{
        "dataset": "toy",
        "split": "1",
        "backbone": BACKBONE,
        "initialisation": "imagenet",
        "multi_level": False,
    },
    **{"seed": 0, "crop": CROP, "flip": True, "epochs": 0, "patches": 1, "batch_size": 16, "dropout": 0.1},
    **{"schedule": "constant"},
    **{"learning_rates": {"backbone": 1e-4, "head": 1e-4}, "sources": ()},
    **{"range": (0.0, 1.0), "higher_is_better": True, "layout": "table"},
    head_first=HeadFirstSettings(epochs=20, learning_rate=1e-3, weight_decay=0.01),
)


def test_the_head_learns_from_the_features_of_a_device(setup: Setup, tmp_path: Path) -> None:
    pixels, labels = images()
    named = ((str(i), image) for i, image in enumerate(pixels))
    write_pack(tmp_path / "pack.parquet", tmp_path / "pack.pixels", named, stage="test", cfg={})
    pack, where = Pack(read_table(tmp_path / "pack.parquet", PACK)), setup.prepare()
    torch.manual_seed(0)
    network = Network(BACKBONE, ScoreHead(512, 0.1))
    network.precision = setup.precision
    quality = torch.from_numpy(labels).to(where)
    train_head_first(network, pack, pd.DataFrame(index=range(IMAGES)), quality, 512, CFG, where)
    assert {parameter.device.type for parameter in network.parameters()} == {where.type}
    scores = crop_features(network, pack, np.arange(IMAGES), 512, CROP, where).scores.numpy()
    assert np.abs(scores - labels).mean() < 0.05
