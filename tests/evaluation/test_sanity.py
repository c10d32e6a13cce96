"""`mosforge evaluation sanity`: the images of a corpus, their scores, and the classes that a model tells."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.special import softmax
from skimage import data

from mosforge.cli import main
from mosforge.core.files import read_json, sha256_of_file
from mosforge.core.images import read_rgb
from mosforge.core.schemas.sanity import SANITY
from mosforge.core.schemas.sources import CATALOGUE, FILES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.distortions.distort import distort
from mosforge.distortions.settings import DistortSettings
from mosforge.evaluation.sanity import classes_in
from mosforge.models.crops import draw_boxes, grid_boxes, predict
from mosforge.models.folder import load_model, save_model
from mosforge.models.heads import MultiTaskHead
from mosforge.models.network import Network

CROP = 64
IMAGES = ["a/one.png", "b.png", "left out.png"]
GROUPS = {"jpeg": [43, 4], "undistorted": [0]}
CLASSES = ["jpeg 1", "jpeg 2", "undistorted"]
CFG = {
    **{"dataset": None, "split": None, "backbone": "efficientnet_lite0", "initialisation": "x-multitask"},
    **{"adaptation": "none", "crops": 3},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of three images, of which the catalogue holds two; and models of several label kinds."""
    folder = tmp_path_factory.mktemp("sanity")
    rows = []
    for number, image_id in enumerate(IMAGES):
        path = folder / "images" / image_id
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.coffee()[40 * number : 40 * number + 170, :190]).save(path)
        rows.append(("fresh", image_id, path.as_posix(), sha256_of_file(path), 190, 170, "PNG", "RGB", None))
    columns = ["source", "image_id", "path", "sha256", "width", "height", "format", "mode", "reason"]
    files = pd.DataFrame(rows, columns=columns)
    write_table(folder / "files.parquet", FILES, files, stage="test", cfg={})
    catalogue = files[:2].assign(shard=0)[CATALOGUE.columns]
    write_table(folder / "catalogue.parquet", CATALOGUE, catalogue, stage="test", cfg={})
    first_class = 0
    for name, levels in GROUPS.items():
        cfg = {"kind": "synthetic", "seed": 0, "type": name, "levels": levels, "first_class": first_class}
        distort(folder / "files.parquet", output=folder / name, cfg=DistortSettings.model_validate(cfg))
        first_class += len(levels)
    facts = {
        "crop": CROP,
        "test_crops": 9,
        "range": [0, 1],
        "higher_is_better": True,
        "objective": "multitask",
    }
    kinds = {
        "single": {"classes": CLASSES},
        "other": {"classes": ["jpeg 1", "jpeg 2"]},
        "both": {"classes": [*(f"x {name}" for name in CLASSES), "y jpeg"], "single_classes": 3},
        "multiple": {"classes": CLASSES},
    }
    torch.manual_seed(0)
    for kind, known in kinds.items():
        network = Network("efficientnet_lite0", MultiTaskHead(1280, len(known["classes"])))
        torch.nn.init.normal_(network.head.rfc3.weight)
        card = facts | {"backbone": "efficientnet_lite0", "head": "multitask"} | known
        save_model(folder / kind, network, card | {"label_kind": "single" if kind == "other" else kind})
    return folder


def run(place: Path, model: str, *groups: str, **changes: object) -> tuple[Frame, dict]:
    """The rows and the shares."""
    words = ["evaluation", "sanity", "--model", place / model, "--catalogues", place / "catalogue.parquet"]
    words += ["--images", *(place / group for group in groups or GROUPS)]
    words += ["--output", place / "out.parquet", "--shares", place / "out.json"]
    assert main([*map(str, words), "--cfg", json.dumps(CFG | changes)]) == 0
    return read_table(place / "out.parquet", SANITY), read_json(place / "out.json")


def test_each_image_of_the_catalogue_is_scored_at_the_same_places_in_all_its_versions(place: Path) -> None:
    rows, shares = run(place, "single")
    found = [(row.image_id, row.type, row.level) for row in rows.itertuples()]
    expected = [(name, "jpeg", level) for name in IMAGES[:2] for level in (1, 2)]
    assert found == [*expected, *((name, "undistorted", 0) for name in IMAGES[:2])]
    assert rows["dataset"].isna().all()
    assert set(rows["initialisation"]) == {"x-multitask"}
    assert read_stamp(place / "out.parquet")["cfg"] == CFG
    network, _ = load_model(place / "single")
    for row in rows.itertuples():
        (file,) = place.glob(f"{row.type}/{row.image_id.replace('/', '-')[:-4]}-*_{max(row.level, 1)}.*")
        pixels = read_rgb(file)
        boxes = draw_boxes(pixels, CROP, 3, "sanity", "fresh", row.image_id)
        outputs = predict(network, pixels, boxes, CROP, torch.device("cpu"))
        assert row.score == outputs.scores.mean()
        told = CLASSES[softmax(outputs.logits, axis=1).mean(axis=0).argmax()]
        assert f"{row.told_type} {row.told_level}".removesuffix(" 0") == told
    assert shares["all"]["falls"]["count"] == 2
    assert shares["all"]["type"]["count"] == 6
    series = rows.set_index(["image_id", "level"])["score"]
    hits = [series[name, 0] > series[name, 1] for name in IMAGES[:2]]
    assert shares["types"]["jpeg"]["above_level_1"]["value"] == np.mean(hits)


def test_a_grid_is_that_of_the_users(place: Path) -> None:
    rows, _ = run(place, "single", crops="grid")
    network, _ = load_model(place / "single")
    (file,) = place.glob("undistorted/b-*.png")
    pixels = read_rgb(file)
    scores = predict(network, pixels, grid_boxes(pixels, CROP), CROP, torch.device("cpu")).scores
    assert rows["score"].iloc[-1] == scores.mean()


@pytest.mark.parametrize(("model", "tells"), [("both", True), ("other", False), ("multiple", False)])
def test_only_a_model_of_these_classes_tells_one(place: Path, model: str, tells: bool) -> None:
    rows, shares = run(place, model)
    assert rows["told_type"].notna().all() == tells
    assert rows["told_type"].isna().all() != tells
    assert set(rows["told_type"].dropna()) <= {"jpeg", "undistorted"}
    assert ("type" in shares["all"]) == tells


def test_without_undistorted_images_nothing_is_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluation", "sanity", "--model", place / "single", "--images", place / "jpeg"]
    words += ["--catalogues", place / "catalogue.parquet", "--output", place / "no.parquet"]
    words += ["--shares", place / "no.json", "--cfg", json.dumps(CFG)]
    assert main(list(map(str, words))) == 1
    assert "no undistorted image" in capsys.readouterr().err
    assert not list(place.glob("no.*"))


def test_classes_stand_in_the_order_of_their_indices() -> None:
    rows = pd.DataFrame({"class_index": [2, 0, 1, 0], "group": ["undistorted", "jpeg", "jpeg", "jpeg"]})
    rows["level"] = [1, 1, 2, 1]
    assert classes_in(rows) == [("jpeg", 1), ("jpeg", 2), ("undistorted", 0)]
