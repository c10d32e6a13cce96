"""The rule `predict`: a fine-tuned model scores images that it has never seen."""

from pathlib import Path
from typing import Literal

import torch
from pydantic import PositiveInt
from tqdm import tqdm

from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table
from mosforge.evaluation.settings import PredictSettings
from mosforge.evaluation.tested import tested_images, write_predictions
from mosforge.models import crops
from mosforge.models.devices import device_name, pick_device
from mosforge.models.folder import load_model


def predict(
    model: Path,
    dataset: Path,
    pack: Path,
    split: Path | None = None,
    *,
    output: Path,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: PositiveInt = 1,
    cfg: PredictSettings,
) -> None:
    """Scores the test images with a fine-tuned model.

    The score of an image is the mean over crops: random ones, which follow from the test dataset, the split
    and the image's name (paper, 4.1), or those of a grid (`crops.grid_view`), as `mosforge score` takes them.

    Args:
        model: folder of the model.
        dataset: the table of the test dataset (artefact `dataset`).
        pack: index of its pack (artefact `pack`).
        split: the split of the test dataset whose part `test` is scored; without it, all images are scored.
        output: a row for each image, Parquet (artefact `predictions`).
        device: where the network runs; `auto` is a GPU if there is one.
        threads: CPU threads.
        cfg: the run, and the crops.

    Raises:
        MosforgeError: there is no test image, one is not in the pack, or the model is damaged.
    """
    torch.set_num_threads(threads)
    rows = locate(tested_images(cfg, dataset, split), read_table(pack, PACK))
    network, card = load_model(model)
    where = pick_device(device)
    network.to(where)
    images, size = Pack(rows), card["crop"]
    means, spreads = [], []
    for i, name in enumerate(tqdm(rows["image"], disable=None, unit="image")):
        key = cfg.test_dataset, cfg.split, name
        pixels, boxes = crops.shown_crops(images.image(i), size, cfg.crops, card.get("view_side"), *key)
        scores = crops.predict(network, pixels, boxes, size, where).scores
        means.append(float(scores.mean()))
        spreads.append(float(scores.std()))
    write_predictions(output, rows, means, spreads, cfg, device_name(where))
