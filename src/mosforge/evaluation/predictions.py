"""Predictions of a model for the pictures that it has never seen."""

from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import Frame, read_table
from mosforge.evaluation.tested import tested_rows
from mosforge.models.crops import draw_boxes, predict
from mosforge.models.folder import load_model


def predictions(
    model: Path,
    run: dict[str, str],
    *,
    dataset: Path,
    split: Path | None,
    pack: Path,
    crops: int,
    device: torch.device,
) -> Frame:
    """Scores the test pictures; one row each (artefact `predictions`).

    Args:
        model: folder of the fine-tuned model.
        run: values of the keys `RUN`.
        dataset: normalised table of the test dataset.
        split: within a dataset, the split whose part `test` is scored; across, none: all are scored.
        pack: index of the test dataset's pack.
        crops: random crops a picture, drawn from (test dataset, split, picture) (paper, 4.1).
        device: where to run.
    """
    rows = locate(tested_rows(run, dataset, split), read_table(pack, PACK))
    network, card = load_model(model)
    network.to(device)
    pictures = Pack(rows)
    means, spreads = [], []
    for i, image in enumerate(tqdm(rows["image"], disable=None, unit="picture")):
        pixels = pictures.image(i)
        boxes = draw_boxes(pixels, card["crop"], crops, run["test_dataset"], run["split"], image)
        scores, _ = predict(network, pixels, boxes, card["crop"], device)
        means.append(float(scores.mean()))
        spreads.append(float(scores.std()))
    columns: dict[str, Any] = {**run, "prediction": means, "spread": spreads}
    return rows[["image", "path", "mos", "quality"]].assign(**columns)
