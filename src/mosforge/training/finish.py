"""The end of a training: its history and model are written, and then no state is needed any more."""

from pathlib import Path
from typing import Any

from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import Frame, write_table
from mosforge.models.devices import device_name
from mosforge.models.folder import MEASURED, save_model
from mosforge.models.network import Network
from mosforge.training.processes import started
from mosforge.training.setup import Setup
from mosforge.training.state import forget

TEST_CROPS = 60
"""Crops whose mean is the score of an image (paper, 4.1), as the model's card states."""


def finish(
    folder: Path,
    network: Network,
    history: Frame,
    facts: dict[str, Any],
    *,
    stage: str,
    cfg: dict[str, Any],
    setup: Setup,
) -> None:
    """Writes a trained model's folder (weights, cards and history), in the first of several processes.

    Args:
        folder: of the model.
        network: with the weights that are to be kept.
        history: what `fit` returned.
        facts: for the model's card, beside `cfg`.
        stage: `pretraining` or `finetuning`.
        cfg: the parameters of the training.
        setup: where it was trained.
    """
    if not started().is_first:
        return
    device = device_name(setup.device)
    write_table(folder / "history.parquet", HISTORY, history, stage=stage, cfg=cfg, device=device)
    measured = {
        "device": device,
        "images_per_second": round(float(history["images_per_second"].median()), 1),
        "peak_memory_mib": round(float(history["peak_memory"].max())),
    }
    save_model(folder, network, {"test_crops": TEST_CROPS, **facts, **cfg, MEASURED: measured})
    forget(folder)
