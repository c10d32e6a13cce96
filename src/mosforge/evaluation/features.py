"""The rule `features`: what a frozen network makes of the images of a dataset, once for all splits."""

from pathlib import Path
from typing import Literal

from pydantic import PositiveInt
from tqdm import tqdm

from mosforge.core.packs import Pack, locate
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.targets import FEATURES
from mosforge.core.tables import read_table, write_table
from mosforge.evaluation.settings import FeaturesSettings
from mosforge.models.backbones import find_backbone
from mosforge.models.crops import CropOutputs, draw_boxes, predict
from mosforge.models.devices import device_name, pick_device
from mosforge.models.frozen import frozen_network
from mosforge.models.objectives import corpus_and_objective, learns_score
from mosforge.models.threads import start_threads


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
        weights: first weights of the backbone, or those in the folder of a pretrained model, safetensors.
        dataset: the table of the dataset (artefact `dataset`).
        pack: index of its pack (artefact `pack`).
        output: the features of each image, Parquet (artefact `features`).
        device: where the network runs; `auto` is a GPU if there is one.
        threads: CPU threads, an image each.
        cfg: the network, and the crops.

    Raises:
        MosforgeError: an image is not in the pack, the weights do not fit, or the network takes no crops of
            that size.
    """
    rows = locate(read_table(dataset, DATASET), read_table(pack, PACK))
    find_backbone(cfg.backbone).check_crop(cfg.crop)
    where = pick_device(device)
    network = frozen_network(weights, cfg.backbone, cfg.initialisation, cfg.multi_level).to(where)
    _, objective = corpus_and_objective(cfg.initialisation)
    is_scored = learns_score(objective)
    images, names = Pack(rows), rows["image"].tolist()

    def outputs_of(i: int) -> CropOutputs:
        pixels = images.image(i)
        boxes = draw_boxes(pixels, cfg.crop, cfg.feature_crops, "features", cfg.test_dataset, names[i])
        return predict(network, pixels, boxes, cfg.crop, where)

    columns: dict[str, list[object]] = {"image": names, "features": [], "score": [], "spread": []}
    found = map_in_order(outputs_of, range(len(rows)), threads, start=start_threads)
    for outputs in tqdm(found, total=len(rows), disable=None, unit="image"):
        columns["features"].append(outputs.features.mean(axis=0))
        columns["score"].append(float(outputs.scores.mean()) if is_scored else None)
        columns["spread"].append(float(outputs.scores.std()) if is_scored else None)
    write_table(output, FEATURES, columns, stage="evaluation", cfg=cfg.plain(), device=device_name(where))
