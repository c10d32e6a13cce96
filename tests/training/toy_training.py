"""A training small enough to be killed often. As a script, it trains in a folder and can kill itself.

    python toy_training.py FOLDER [CALL SIGNAL] [KEY=VALUE ...]

It sends itself SIGNAL when it computes the loss of step CALL (of this process, from 1). KEYs are those of the
settings, in JSON. With `shared=true` the network has no batch normalisation, which several processes have
only on GPUs. With `beside=3` each step sees three crops beside its batch.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Pack, write_pack
from mosforge.core.schemas.packs import PACK
from mosforge.core.seeds import generator
from mosforge.core.tables import Frame, read_table
from mosforge.training.batches import Beside
from mosforge.training.loop import fit
from mosforge.training.processes import started_processes
from mosforge.training.settings import TrainingSettings
from mosforge.training.setup import Setup

IMAGES = 10
CFG: dict[str, Any] = {
    "seed": 7,
    "epochs": 3,
    "patches": 2,
    "batch_size": 8,
    "crop": 8,
    "flip": True,
    "learning_rates": {"backbone": 1e-2, "head": 1e-2},
    "schedule": "cosine",
    "warm_up": 50,
    "multi_level": False,
    "backbone": "toy",
}
STEPS = 3
"""Steps of an epoch: 20 crops, 8 a batch."""


class ToySettings(TrainingSettings):
    """Settings whose learning rates may be 0."""

    learning_rates: dict[str, float]


def settings(**changes: Any) -> ToySettings:
    return ToySettings(**CFG | changes)


class Toy(nn.Module):
    """All that makes a resumed training differ if it is forgotten: batch statistics, dropout, momentum."""

    frozen_statistics = False
    frozen_backbone = False

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 8, 3, stride=2)
        self.normalisation = nn.BatchNorm2d(8)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(8, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        planes = (pixels.permute(0, 3, 1, 2).float() - 127) / 64
        features = torch.relu(self.normalisation(self.convolution(planes))).mean((2, 3))
        score: Tensor = self.head(self.dropout(features))
        return score.squeeze(1)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {
            "backbone": [*self.convolution.parameters(), *self.normalisation.parameters()],
            "head": list(self.head.parameters()),
        }


class SharedToy(Toy):
    """What several processes can train together on the CPU; dropout in the head, and a branch left out."""

    def __init__(self) -> None:
        super().__init__()
        self.normalisation = nn.GroupNorm(2, 8)  # type: ignore[assignment]
        self.head = nn.Sequential(nn.Dropout(0.3), self.head)  # type: ignore[assignment]
        self.dropout = nn.Identity()  # type: ignore[assignment]
        self.left_out = nn.Linear(2, 2)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        groups = super().parameter_groups()
        return groups | {"head": [*groups["head"], *self.left_out.parameters()]}


def make_pack(folder: Path) -> tuple[Pack, Tensor]:
    """Noisy images whose label is their brightness."""
    labels = np.linspace(0.1, 0.9, IMAGES, dtype=np.float32)
    images = (
        (
            f"image {i}",
            (255 * label + generator("toy", i).normal(0, 20, (12, 14, 3))).clip(0, 255).astype(np.uint8),
        )
        for i, label in enumerate(labels)
    )
    if not (folder / "pack.parquet").exists():
        write_pack(folder / "pack.parquet", folder / "pack.pixels", images, stage="test", cfg={})
    return Pack(read_table(folder / "pack.parquet", PACK)), torch.from_numpy(labels)


def draw_beside(count: int) -> Beside:
    """Crops of all images beside each batch; `count` in a step."""

    def draw(*step: int) -> tuple[Any, Any]:
        numbers = generator("beside", *step)
        return numbers.integers(IMAGES, size=count), numbers.random((count, 3), dtype=np.float32)

    return Beside(np.arange(IMAGES), count, draw)


def train(
    folder: Path,
    network: nn.Module | None = None,
    *,
    at_step: Callable[[int], None] = lambda _: None,
    validate: Callable[[], float] | None = None,
    setup: Setup = Setup(),
    beside: int = 0,
    **changes: Any,
) -> tuple[dict[str, Tensor], Frame]:
    """Trains in `folder`; `at_step` is called with the number of each loss of this process, from 1."""
    torch.set_num_threads(1)
    pack, labels = make_pack(folder)
    network = network or Toy()
    calls = 0

    def loss_of(predicted: Tensor, positions: Tensor) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        at_step(calls)
        loss = functional.l1_loss(predicted, labels[positions % IMAGES])
        return {"loss": loss, "score_loss": loss}

    history = fit(
        network,  # type: ignore[arg-type]
        pack,
        np.arange(IMAGES),
        loss_of,
        settings(**changes),
        names=[f"image {i}" for i in range(IMAGES)] * 2,
        state_file=folder / ".state-x.pt",
        setup=setup,
        device=torch.device("cpu"),
        validate=validate,
        beside=draw_beside(beside) if beside else None,
    )
    return dict(network.state_dict()), history


def stop_at(call: int) -> Callable[[int], None]:
    """For `train`: SIGTERM to this process when it computes the loss of a step."""
    return lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == call else None


def assert_same(weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert weights.keys() == expected.keys()
    for key, value in weights.items():
        assert torch.equal(value, expected[key]), key


def main(folder: Path, words: list[str]) -> int:
    changes = {
        key: json.loads(value) for key, _, value in (word.partition("=") for word in words if "=" in word)
    }
    call, name = [word for word in words if "=" not in word] or ("0", "SIGTERM")

    def perhaps_die(step: int) -> None:
        (folder / "began").touch()
        if step == int(call):
            os.kill(os.getpid(), getattr(signal, name))

    network = SharedToy() if changes.pop("shared", False) else Toy()
    validate = (lambda: 0.5) if changes.pop("validated", False) else None
    try:
        weights, _ = train(folder, network, at_step=perhaps_die, validate=validate, **changes)
    except MosforgeError as error:
        print(error, file=sys.stderr)
        return 1
    if started_processes().is_first:
        save_file(weights, folder / "weights.safetensors")
    return 0


if __name__ == "__main__":
    # `WORDS` stands for them where the script is not a command of its own.
    first, *others = globals().get("WORDS", sys.argv[1:])
    sys.exit(main(Path(first), others))
