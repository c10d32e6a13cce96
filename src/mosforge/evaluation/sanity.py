"""The rule `sanity`: does a model's score fall when an image that no training has seen is distorted?"""

import logging
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import PositiveInt
from scipy.special import softmax
from tqdm import tqdm

from mosforge.core.catalogues import only_catalogued
from mosforge.core.errors import MosforgeError
from mosforge.core.files import write_json
from mosforge.core.images import read_rgb
from mosforge.core.manifests import read_manifest
from mosforge.core.parallel import map_in_order
from mosforge.core.runs import RUN
from mosforge.core.schemas.distortions import UNDISTORTED, class_name
from mosforge.core.schemas.sanity import SANITY
from mosforge.core.tables import Frame, write_table
from mosforge.evaluation.settings import SanitySettings
from mosforge.models import crops
from mosforge.models.card import Card, knows_classes
from mosforge.models.devices import device_name, pick_device
from mosforge.models.folder import check_scores, load_model
from mosforge.models.threads import start_threads
from mosforge.statistics.sanity import shares_as_json, shares_of

log = logging.getLogger(__name__)


def sanity(
    model: Path,
    images: list[Path],
    catalogues: list[Path],
    *,
    output: Path,
    shares: Path,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: PositiveInt = 1,
    cfg: SanitySettings,
) -> None:
    """Scores undistorted images, and the same images distorted by every type and level, with a model.

    The score of an image is the mean over crops, as the rule `predict` takes them. They are at the same
    places in all versions of an image.

    Args:
        model: folder of the model.
        images: folders of the shards of the corpus, each with its manifest.parquet.
        catalogues: catalogues of its sources: the pristine images that are used (artefact `catalogue`).
        output: a row for each image, Parquet (artefact `sanity`).
        shares: in how many cases the score falls, JSON: see `statistics.sanity.SHARES`.
        device: where the network runs; `auto` is a GPU if there is one.
        threads: CPU threads, an image each.
        cfg: the model, and the crops.

    Raises:
        MosforgeError: an image is unreadable or has changed, none is undistorted, or the model is damaged or
            was never trained to score.
    """
    rows = only_catalogued(pd.concat([read_manifest(folder) for folder in images]), catalogues)
    if UNDISTORTED not in set(rows["group"]):
        raise MosforgeError("evaluation.sanity: the corpus has no undistorted image to compare with")
    network, card = load_model(model)
    check_scores(model, card)
    where = pick_device(device)
    network.to(where)
    names = classes_in(rows)
    told = names if _single_classes(card) == [class_name(*pair) for pair in names] else []
    size = card["crop"]
    scores, classes = [], []

    def outputs_of(image: tuple[str, str, str]) -> crops.CropOutputs:
        path, *key = image
        side = card.get("view_side")
        shown, boxes = crops.shown_crops(read_rgb(path), size, cfg.crops, side, "sanity", *key)
        return crops.predict(network, shown, boxes, size, where)

    places = zip(rows["path"], rows["source"], rows["image_id"], strict=True)
    found = map_in_order(outputs_of, places, threads, start=start_threads)
    for outputs in tqdm(found, total=len(rows), disable=None, unit="image"):
        scores.append(float(outputs.scores.mean()))
        if told:
            assert outputs.logits is not None
            likeliest = softmax(outputs.logits[:, : len(told)], axis=1).mean(axis=0).argmax()
            classes.append(told[likeliest])
    level = rows["level"].where(rows["group"] != UNDISTORTED, 0)
    table = rows[["source", "image_id"]].assign(type=rows["group"], level=level, score=scores)
    table["told_type"], table["told_level"] = zip(*classes or [(None, None)] * len(rows), strict=True)
    of_model = {key: getattr(cfg, key) for key in RUN if key != "test_dataset"}
    table = table.assign(**of_model)[SANITY.columns]
    write_table(output, SANITY, table, stage="evaluation", cfg=cfg.plain(), device=device_name(where))
    found_shares = shares_of([table])
    write_json(shares, shares_as_json(found_shares))
    falls = found_shares.set_index(["type", "share"])["value"].get(("", "falls"), float("nan"))
    log.info(
        "%s: %d images; the score falls at every step of %.0f%% of the series",
        output,
        len(table),
        100 * falls,
    )


def classes_in(rows: Frame) -> list[tuple[str, int]]:
    """The classes of a corpus, as type and level, in the order of their indices; undistorted is level 0."""
    found = rows[["class_index", "group", "level"]].drop_duplicates().sort_values("class_index")
    return [
        (str(group), 0 if group == UNDISTORTED else int(level))
        for group, level in zip(found["group"], found["level"], strict=True)
    ]


def _single_classes(card: Card) -> list[str]:
    """The names of a model's classes of which an image has one, without a corpus before them."""
    if not knows_classes(card) or card["label_kind"] == "multiple":
        return []
    if card["label_kind"] == "single":
        return list(card["classes"])
    return [str(name).partition(" ")[2] for name in card["classes"][: card["single_classes"]]]
