"""Predictions of a model for the pictures that it has never seen."""

from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from mosforge.errors import MosforgeError
from mosforge.models.folder import load_model
from mosforge.packs import Pack, locate
from mosforge.scoring.crops import draw_boxes, predict
from mosforge.tables import Frame, read_table

RUN = ("dataset", "split", "backbone", "initialisation", "test_dataset")
"""The keys of one evaluated model on one dataset."""


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
    rows = read_table(dataset, "dataset")
    if split is not None:
        parts = read_table(split, "split")
        rows = rows[rows["image"].isin(set(parts.loc[parts["part"] == "test", "image"]))]
    if rows.empty:
        raise MosforgeError(f"{run['test_dataset']}: split {run['split']} has no test picture")
    rows = locate(rows, read_table(pack, "pack"))
    network, card = load_model(model)
    network.to(device)
    pictures = Pack(rows)
    means, spreads = [], []
    for i, image in enumerate(tqdm(rows["image"], disable=None, unit="picture")):
        pixels = pictures.picture(i)
        boxes = draw_boxes(pixels, card["crop"], crops, run["test_dataset"], run["split"], image)
        scores, _ = predict(network, pixels, boxes, card["crop"], device)
        means.append(float(scores.mean()))
        spreads.append(float(scores.std()))
    columns: dict[str, Any] = {**run, "prediction": means, "spread": spreads}
    return rows[["image", "path", "mos", "quality"]].assign(**columns)
