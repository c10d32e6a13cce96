"""The images in the gallery."""

import base64
import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table
from mosforge.report.artefacts import read_artefacts, runs_of
from mosforge.report.settings import PageSettings, Scale, TableSettings
from mosforge.report.thumbnails import SIDE, data_uri, distortions, extreme_images, extremes
from mosforge.report.words import number


def test_thumbnails_are_small_jpegs(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.effect_noise((900, 300), 90).convert("RGB").save(large)
    for square, size in ((True, (SIDE, SIDE)), (False, (SIDE, round(SIDE / 3)))):
        uri = data_uri(large, square=square)
        data = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
        assert Image.open(io.BytesIO(data)).size == size
        assert len(data) < 80_000
    assert data_uri(tmp_path / "nothing.png", square=True) == ""


def test_every_type_and_level_of_one_image_is_shown_with_its_label(results: Path) -> None:
    labels = read_table(results / "pmos/tiles.parquet", LABELS)
    artefacts = read_artefacts(results, PageSettings())
    title, about, original, *strips = distortions("tiles", labels, artefacts)
    assert "tiles" in title.text
    image_id = about.text.partition(" of tiles")[0]
    assert image_id in set(labels["image_id"])
    (pristine,) = original.items[1].items
    assert (original.items[0].text, pristine.uri[:15]) == ("pristine image", "data:image/jpeg")
    found = {strip.items[0].text: strip.items[1].items for strip in strips}
    assert {name: len(images) for name, images in found.items()} == {
        "gaussian blur": 5,
        "jpeg": 5,
        "overexposure": 2,
    }
    of_image = labels[labels["image_id"] == image_id].set_index(["group", "level"])["pmos"]
    assert found["jpeg"][4].lines == ["level 5", number(of_image["jpeg", 5])]
    assert found["jpeg"][4].uri.startswith("data:image/jpeg")
    elsewhere = artefacts._replace(results=results / "nowhere")
    assert list(distortions("tiles", labels, elsewhere)) == [], "the images are not there"


def test_an_undistorted_image_has_no_level(results: Path) -> None:
    labels = read_table(results / "pmos/tiles.parquet", LABELS)
    best = labels[labels["group"] == "overexposure"].query("level == 1")
    best = best.assign(group="undistorted", class_index=99, pmos=1.0)
    *_, strip = distortions("tiles", pd.concat([labels, best]), read_artefacts(results, PageSettings()))
    (shown,) = strip.items[1].items
    assert (strip.items[0].text, shown.title) == ("undistorted", "undistorted")
    assert shown.lines == ["undistorted", number(1.0)]


def test_of_many_mixtures_ten_are_shown_best_label_first(results: Path) -> None:
    labels = read_table(results / "pmos/tiles.parquet", LABELS)
    mixtures = pd.concat([labels, labels.assign(pmos=labels["pmos"] - 0.01)])
    mixtures = mixtures.assign(level=pd.NA, class_index=pd.NA, group="authentic")
    *_, strip = distortions("mixed", mixtures, read_artefacts(results, PageSettings()))
    scores = [image.lines[1] for image in strip.items[1].items]
    assert len(scores) == 10
    assert scores == sorted(scores, key=lambda text: float(text.replace("−", "-")), reverse=True)


def test_the_outstanding_test_images() -> None:
    table = pd.DataFrame(
        {
            "image": ["a", "b", "c", "a"],
            "path": ["a.png", "b.png", "c.png", "a.png"],
            "quality": [0.2, 0.5, 0.9, 0.2],
            "prediction": [0.9, 0.5, 0.8, 0.7],
            "mos": [4.2, 3.0, 1.4, 4.2],
        }
    )
    found = extreme_images(table, Path("nowhere"), Scale(5, 1), count=1)
    assert {title: items[0].title for title, items in found.items()} == {
        "Scored highest": "a",
        "Scored lowest": "b",
        "Most wrongly scored": "a",
    }
    assert found["Scored highest"][0].lines == ["predicted 1.80, given 4.20", "a"], (
        "on the scale of the MOS, 5 to 1"
    )


@pytest.fixture(scope="module")
def within(results: Path) -> pd.DataFrame:
    return read_table(results / "evaluation/table1.parquet", CORRELATIONS)


def shown(results: Path, rows: pd.DataFrame) -> dict[str, tuple[bool, str, list[str]]]:
    """Dataset -> whether it is a proxy, what is said of the model, and the images that it scored highest."""
    experiments = dict.fromkeys(("table1", "table3"), TableSettings())
    artefacts = read_artefacts(results, PageSettings(experiments=experiments, proxies=("own",)))
    blocks = list(extremes(artefacts._replace(correlations=rows)))
    starts = [place for place, block in enumerate(blocks) if block.kind == "h3"]
    found = {}
    for place in starts:
        model, images = blocks[place + 1], next(block for block in blocks[place:] if block.kind == "images")
        name = blocks[place].text.removeprefix("Test images of ")
        found[name] = (blocks[place].is_proxy, model.text, [image.title for image in images.items])
    return found


def test_the_test_images_are_those_of_the_best_network(results: Path, within: pd.DataFrame) -> None:
    """The best of its own networks, pooled over its splits; a metric with a higher SROCC does not count."""
    rows = within.assign(srocc=within["srocc"].where(within["initialisation"] != "fsim", 0.999))
    elsewhere = rows.head(1).assign(dataset="own", split="full", srocc=0.999)
    rows = pd.concat([rows, elsewhere], ignore_index=True)
    found = shown(results, rows)
    assert {name: is_proxy for name, (is_proxy, _, _) in found.items()} == {"tid2013": False, "own": True}
    assert all("CLS+REG, efficientnet_lite0, the network" in model for _, model, _ in found.values())
    chosen = rows[(rows["dataset"] == "tid2013") & (rows["initialisation"] == "tiles-multitask")]
    artefacts = read_artefacts(results, PageSettings())
    tables = [artefacts.predictions(run) for run in runs_of(chosen)]
    means = pd.concat([table for table in tables if table is not None]).groupby("image")["prediction"].mean()
    assert found["tid2013"][2] == list(means.nlargest(4).index)
    worse = rows.assign(srocc=rows["srocc"].where(rows["initialisation"] == "imagenet", 0.0))
    assert "FT, efficientnet_lite0, the network" in shown(results, worse)["tid2013"][1]


def test_the_test_images_of_what_was_never_tested_within_a_dataset(results: Path) -> None:
    across = read_table(results / "evaluation/table3.parquet", CORRELATIONS)
    found = shown(results, across)
    assert set(found) == {"live", "csiq", "own"}
    best = across[across["test_dataset"] == "csiq"].sort_values("srocc").iloc[-1]["dataset"]
    assert f"CLS+REG, efficientnet_lite0, trained on {best}" in found["csiq"][1]
