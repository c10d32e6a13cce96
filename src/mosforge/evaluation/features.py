"""The rule `features`: what a frozen network makes of the images of a dataset, once for all splits."""

from pathlib import Path
from typing import Literal

import torch
from pydantic import PositiveInt
from tqdm import tqdm

from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.targets import FEATURES
from mosforge.core.tables import read_table, write_table
from mosforge.evaluation.settings import FeaturesSettings
from mosforge.models.backbones import find_backbone
from mosforge.models.crops import draw_boxes
from mosforge.models.devices import device_name, pick_device
from mosforge.models.frozen import frozen_network, frozen_outputs
from mosforge.models.objectives import corpus_and_objective, learns_score


def features(
    weights: Path,
    dataset: Path,
    pack: Path,
    *,
    output: Path,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: PositiveInt = 1,
    cfg: FeaturesSettings,
) -> None:
    """Computes the features of a dataset's images, and their scores where the network has learned one.

    Both are means over random crops, which follow from the dataset and the image's name.

    Args:
        weights: ImageNet weights of the backbone, or those in the folder of a pretrained model, safetensors.
        dataset: the table of the dataset (artefact `dataset`).
        pack: index of its pack (artefact `pack`).
        output: the features of each image, Parquet (artefact `features`).
        device: where the network runs; `auto` is a GPU if there is one.
        threads: CPU threads.
        cfg: the network, and the crops.

    Raises:
        MosforgeError: an image is not in the pack, the weights do not fit, or the network takes no crops of
            that size.
    """
    torch.set_num_threads(threads)
    rows = locate(read_table(dataset, DATASET), read_table(pack, PACK))
    find_backbone(cfg.backbone).check_crop(cfg.crop)
    where = pick_device(device)
    network = frozen_network(weights, cfg.backbone, cfg.initialisation, cfg.multi_level).to(where)
    _, objective = corpus_and_objective(cfg.initialisation)
    is_scored = learns_score(objective)
    images = Pack(rows)
    found: dict[str, list[object]] = {"features": [], "score": [], "spread": []}
    for i, name in enumerate(tqdm(rows["image"], disable=None, unit="image")):
        pixels = images.image(i)
        boxes = draw_boxes(pixels, cfg.crop, cfg.feature_crops, "features", cfg.test_dataset, name)
        vectors, scores = frozen_outputs(network, pixels, boxes, cfg.crop, where)
        found["features"].append(vectors.mean(axis=0))
        found["score"].append(float(scores.mean()) if is_scored else None)
        found["spread"].append(float(scores.std()) if is_scored else None)
    columns = {"image": rows["image"].tolist(), **found}
    write_table(output, FEATURES, columns, stage="evaluation", cfg=cfg.plain(), device=device_name(where))
