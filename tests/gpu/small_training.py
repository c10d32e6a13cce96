"""A training small enough for minutes, and the mark of the tests that need a GPU."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.packs import PACK
from mosforge.core.seeds import generator
from mosforge.core.tables import read_table
from mosforge.models.folder import save_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.training.loop import fit
from mosforge.training.settings import TrainingSettings
from mosforge.training.setup import Setup

ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")
IMAGES, SIDE, CROP, BACKBONE = 48, 48, 32, "resnet18"
FACTS = {
    "head": "score",
    "dropout": 0.0,
    "backbone": BACKBONE,
    "crop": CROP,
    "test_crops": 12,
    "range": [0.0, 1.0],
    "higher_is_better": True,
}


def images() -> tuple[list[np.ndarray], np.ndarray]:
    """Noisy images, uint8 RGB, whose label is their brightness."""
    labels = np.linspace(0.1, 0.9, IMAGES, dtype=np.float32)
    noise = [generator("gpu tests", i).normal(0, 25, (SIDE, SIDE, 3)) for i in range(IMAGES)]
    return [
        (255 * label + plane).clip(0, 255).astype(np.uint8)
        for label, plane in zip(labels, noise, strict=True)
    ], labels


@dataclass(frozen=True)
class Trained:
    """A network after its training, and the history of it."""

    network: Network
    history: pd.DataFrame

    @property
    def losses(self) -> np.ndarray:
        return self.history["loss"].to_numpy()

    def scores(self) -> np.ndarray:
        """Of the images' middles, computed in float32 on the CPU: what differs is what was learnt."""
        network = self.network.cpu().eval()
        network.precision = "float32"
        start = (SIDE - CROP) // 2
        middles = [image[start : start + CROP, start : start + CROP] for image in images()[0]]
        with torch.inference_mode():
            return network(torch.from_numpy(np.stack(middles))).double().numpy()

    def save(self, folder: Path) -> Path:
        save_model(folder, self.network.cpu(), FACTS)
        return folder


def train(
    folder: Path, setup: Setup, at_step: Callable[[int], None] = lambda _: None, batch_norm: bool = True
) -> Trained:
    """Trains 24 steps of 16 crops in `folder`, or goes on where a stopped training was.

    Args:
        folder: of the images and the state.
        setup: where to train.
        at_step: called with the number of each loss of this process, from 1.
        batch_norm: False: group normalisation in its place, which several processes have on the CPU, too.
    """
    pixels, labels = images()
    if not (folder / "pack.parquet").exists():
        named = ((str(i), image) for i, image in enumerate(pixels))
        write_pack(folder / "pack.parquet", folder / "pack.pixels", named, stage="test", cfg={})
    device = setup.prepare()
    torch.manual_seed(0)
    head = ScoreHead(512, 0.0)
    head.start_at(0.5)
    network = Network(BACKBONE, head)
    if not batch_norm:
        convert_norm(network.backbone)
    truth = torch.from_numpy(labels).to(device)
    calls = 0

    def loss_of(predicted: Tensor, positions: Tensor) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        at_step(calls)
        return {"loss": functional.l1_loss(predicted, truth[positions])}

    cfg = TrainingSettings(
        seed=1,
        epochs=8,
        batch_size=16,
        crop=CROP,
        flip=True,
        learning_rates={"backbone": 1e-3, "head": 2e-3},
        schedule="cosine",
        multi_level=False,
        backbone=BACKBONE,
    )
    history = fit(
        network,
        Pack(read_table(folder / "pack.parquet", PACK)),
        np.arange(IMAGES),
        loss_of,
        cfg,
        names=[str(i) for i in range(IMAGES)],
        state_file=folder / ".state-x.pt",
        setup=setup,
        device=device,
    )
    return Trained(network, history)


def convert_norm(module: nn.Module) -> None:
    """Replaces the batch normalisation in a module."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.GroupNorm(8, child.num_features))
        else:
            convert_norm(child)
