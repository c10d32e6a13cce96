"""How far a training keeps its device busy: `python tests/benchmarks/bench_training.py [--small]`.

Images a second end to end, from packs through the training loop, beside the same step on random data
that already lie on the device, in the same run; on a GPU with and without `torch.compile`, on the CPU in
float32 and in bfloat16; and where the time goes. On a GPU: pretraining ResNet-50 in batches of 256,
fine-tuning it in batches of 32. On the CPU, or with --small: EfficientNet-Lite0 and ResNet-50 in batches of
16. The goal is 90%.

It needs torch, torchvision, timm, pandas, pyarrow and safetensors, but neither Snakemake nor piq, so that a
bare GPU machine runs it: `PYTHONPATH=src python3 tests/benchmarks/bench_training.py`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Pack, write_pack
from mosforge.core.parallel import available_threads
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table
from mosforge.models.backbones import find_backbone
from mosforge.models.heads import MultiTaskHead, ScoreHead
from mosforge.models.network import Network
from mosforge.training.batches import Batch
from mosforge.training.loop import StepToLoss, fit
from mosforge.training.losses import Losses, LossOf
from mosforge.training.optimiser import make_optimiser
from mosforge.training.settings import TrainingSettings
from mosforge.training.setup import Setup

CLASSES, CROP = 39, 224


@dataclass(frozen=True)
class Case:
    """A training to measure: images of `height` x `width`, `patches` crops of each in an epoch."""

    stage: str
    backbone: str
    batch: int
    images: int
    height: int
    width: int
    patches: int

    def settings(self, epochs: int) -> TrainingSettings:
        """The paper's, but for the number of epochs."""
        names = ("classification", "score", "head", "backbone")
        return TrainingSettings(
            seed=0,
            epochs=epochs,
            patches=self.patches,
            batch_size=self.batch,
            crop=CROP,
            flip=True,
            learning_rates=dict.fromkeys(names, 1e-5),
            schedule="constant",
            multi_level=False,
            backbone=self.backbone,
        )

    def network(self) -> Network:
        """With random weights: they are as fast as others."""
        width = find_backbone(self.backbone).width
        return Network(
            self.backbone,
            MultiTaskHead(width, CLASSES) if self.stage == "pretraining" else ScoreHead(width, 0.5),
        )

    def loss(self, device: torch.device) -> LossOf:
        """Class and score (equation 7), or the score alone, on random labels."""
        rng = np.random.default_rng(0)
        scores = torch.tensor(rng.random(self.images, dtype=np.float32), device=device)
        classes = torch.tensor(rng.integers(0, CLASSES, self.images), device=device)

        def loss_of(output: Any, positions: Tensor) -> Losses:
            if self.stage == "finetuning":
                return {"loss": functional.l1_loss(output, scores[positions])}
            logits, predicted = output
            class_loss = functional.cross_entropy(logits, classes[positions])
            return {"loss": class_loss + functional.l1_loss(predicted, scores[positions])}

        return loss_of


LARGE = (
    Case("pretraining", "resnet50", 256, images=4096, height=256, width=256, patches=4),
    Case("finetuning", "resnet50", 32, images=256, height=384, width=512, patches=40),
)
SMALL = (
    Case("pretraining", "efficientnet_lite0", 16, images=32, height=256, width=256, patches=1),
    Case("finetuning", "efficientnet_lite0", 16, images=16, height=384, width=512, patches=2),
    Case("pretraining", "resnet50", 16, images=32, height=256, width=256, patches=1),
)


def packed(case: Case, folder: Path) -> Pack:
    """Random images in a pack: the loader does not look at them."""
    rng = np.random.default_rng(0)
    shape = (case.height, case.width, 3)
    images = ((str(i), rng.integers(0, 256, shape, np.uint8)) for i in range(case.images))
    write_pack(folder / "pack.parquet", folder / "pack.pixels", images, stage="bench", cfg={})
    return Pack(read_table(folder / "pack.parquet", PACK))


def end_to_end(
    case: Case, network: Network, pack: Pack, setup: Setup, device: torch.device, epochs: int
) -> tuple[float, float]:
    """Images a second of the best epoch after the first, and peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        history = fit(
            network,
            pack,
            np.arange(case.images),
            case.loss(device),
            case.settings(epochs),
            names=[str(i) for i in range(case.images)],
            state_file=Path(folder) / "state.pt",
            setup=setup,
            device=device,
        )
    return float(history["images_per_second"].iloc[1:].max()), float(history["peak_memory"].max())


def resident(case: Case, network: Network, device: torch.device) -> Callable[[], None]:
    """The step of the loop on a batch that lies on the device, as a function to repeat.

    Args:
        case: what the network is trained on.
        network: as a training end to end left it, so that a compiled one is not compiled a second time.
        device: of the network.
    """
    network.train()
    optimiser = make_optimiser(network, case.settings(1), device)
    step = StepToLoss(network, case.loss(device))
    positions = np.arange(case.batch) % case.images
    pixels = torch.randint(0, 256, (case.batch, CROP, CROP, 3), dtype=torch.uint8)
    mirrored = torch.arange(case.batch) % 2 == 0
    batch = Batch(positions, torch.from_numpy(positions), (), pixels, mirrored).to(device)

    def once() -> None:
        losses = step(batch.pixels, batch.mirrored, batch.positions)
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimiser.step()

    return once


def rate(case: Case, step: Callable[[], None], device: torch.device, rounds: int = 2) -> float:
    """Images a second, the best of several rounds as long as an epoch."""
    steps = max(2, case.images * case.patches // case.batch)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(3):
        step()
    best = 0.0
    for _ in range(rounds):
        wait()
        began = time.monotonic()
        for _ in range(steps):
            step()
        wait()
        best = max(best, steps * case.batch / (time.monotonic() - began))
    return best


def where_the_time_goes(case: Case, pack: Pack, device: torch.device) -> str:
    """The profiler's summary of two short epochs of the loop; it takes longer than the steps themselves."""
    on_gpu = device.type == "cuda"
    about_16_steps = max(1, 16 * case.batch // case.images)
    short = replace(case, patches=min(case.patches, about_16_steps))
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities, acc_events=True) as profiler:
        end_to_end(short, short.network(), pack, Setup(), device, epochs=2)
    key = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    table: str = profiler.key_averages().table(sort_by=key, row_limit=15, max_name_column_width=60)
    return table


def main(small: bool, compiled: bool, threads: int) -> None:
    """Prints the tables."""
    device = Setup(threads=threads).prepare()
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else f"CPU, {threads} threads"
    ways = {"bfloat16": Setup()} if on_gpu else {"float32": Setup(), "bfloat16": Setup(precision="bfloat16")}
    if compiled:
        ways["compiled"] = Setup(compile=True)
    print(f"{name}, torch {torch.__version__}")
    print("stage        backbone            batch       way  end to end  resident  share  peak MiB")
    profiles = []
    for case in SMALL if small or not on_gpu else LARGE:
        with tempfile.TemporaryDirectory() as folder:
            pack = packed(case, Path(folder))
            for way, setup in ways.items():
                network = case.network()
                ours, memory = end_to_end(case, network, pack, setup, device, epochs=3)
                ceiling = rate(case, resident(case, network, device), device)
                print(
                    f"{case.stage:<13}{case.backbone:<20}{case.batch:>5}{way:>10}"
                    f"{ours:>12.1f}{ceiling:>10.1f}{ours / ceiling:>7.0%}{memory:>10.0f}",
                    flush=True,
                )
            profiles.append((case, where_the_time_goes(case, pack, device)))
    for case, table in profiles:
        print(f"\n{case.stage}, {case.backbone}, two short epochs of the loop, not compiled\n{table}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="the small cases on a GPU too")
    parser.add_argument(
        "--compile",
        type=int,
        choices=(0, 1),
        default=int(torch.cuda.is_available()),
        help="default: on a GPU",
    )
    parser.add_argument("--threads", type=int, default=available_threads())
    words = parser.parse_args()
    try:
        main(words.small, bool(words.compile), words.threads)
    except MosforgeError as error:  # such as a stop at a time limit; what was measured is printed
        sys.exit(str(error))
