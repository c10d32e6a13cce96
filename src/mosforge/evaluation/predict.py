"""The rule `predict`: a fine-tuned model scores images that it has never seen."""

from pathlib import Path
from typing import Literal

from pydantic import PositiveInt
from tqdm import tqdm

from mosforge.core.packs import Pack, locate
from mosforge.core.parallel import map_in_order
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table
from mosforge.evaluation.settings import PredictSettings
from mosforge.evaluation.tested import tested_images, write_predictions
from mosforge.models import crops
from mosforge.models.devices import device_name, pick_device
from mosforge.models.folder import load_model
from mosforge.models.threads import start_threads


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
    and the image's name (paper, 4.1), or those of a grid (`models.crops.grid_view`), as in `mosforge score`.

    Args:
        model: folder of the model.
        dataset: the table of the test dataset (artefact `dataset`).
        pack: index of its pack (artefact `pack`).
        split: the split of the test dataset whose part `test` is scored; without it, all images are scored.
        output: a row for each image, Parquet (artefact `predictions`).
        device: where the network runs; `auto` is a GPU if there is one.
        threads: CPU threads, an image each.
        cfg: the run, and the crops.

    Raises:
        MosforgeError: there is no test image, one is not in the pack, or the model is damaged.
    """
    rows = locate(tested_images(cfg, dataset, split), read_table(pack, PACK))
    network, card = load_model(model)
    where = pick_device(device)
    network.to(where)
    images, names, size = Pack(rows), rows["image"].tolist(), card["crop"]

    def scores_of(i: int) -> crops.Floats:
        key = cfg.test_dataset, cfg.split, names[i]
        pixels, boxes = crops.shown_crops(images.image(i), size, cfg.crops, card.get("view_side"), *key)
        return crops.predict(network, pixels, boxes, size, where).scores

    found = map_in_order(scores_of, range(len(rows)), threads, start=start_threads)
    scores = list(tqdm(found, total=len(rows), disable=None, unit="image"))
    means, spreads = [float(one.mean()) for one in scores], [float(one.std()) for one in scores]
    write_predictions(output, rows, means, spreads, cfg, device_name(where))
