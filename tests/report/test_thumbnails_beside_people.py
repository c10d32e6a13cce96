"""Fig. 1 of the paper: labels beside the scores of rated images of the same type and level."""

from pathlib import Path
from typing import Any

import pytest
from pages import CFG
from PIL import Image

from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table, write_table
from mosforge.report.artefacts import read_artefacts
from mosforge.report.blocks import say
from mosforge.report.settings import PageSettings
from mosforge.report.thumbnails import distortions

LEVELS = range(1, 6)


@pytest.fixture
def rated(results: Path, tmp_path: Path) -> Path:
    """The page's corpus, and a dataset with two types in its own words, one of them ours."""
    folder = tmp_path / "results"
    for name in ("pmos", "distortions"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(results / name)
    rows: list[dict[str, Any]] = []
    for content, shift in (("I01", 0.0), ("I02", 0.1), ("I03", 2.0)):
        for word in ("JPEG compression", "Comfort noise"):
            for level in LEVELS:
                path = tmp_path / f"{content}-{word}-{level}.png"
                Image.new("RGB", (64, 64), (40 * level, 0, 0)).save(path)
                mos = 7.0 - level + shift
                columns = {"image": path.name, "path": str(path), "reference": content, "mos": mos}
                columns |= {"quality": mos / 9, "distortion_type": word, "level": level}
                rows.append(columns | {"reference_path": None, "part": None})
    file = folder / "finetuning/tid2013/dataset.parquet"
    frame = {name: [row.get(name) for row in rows] for name in DATASET.columns}
    write_table(file, DATASET, frame, stage="finetuning", cfg={})
    return folder


def blocks(folder: Path, **changes: Any) -> list[Any]:
    cfg = PageSettings.model_validate(CFG | {"experiments": {}, "validated": ["tid2013"]} | changes)
    artefacts = read_artefacts(folder, cfg)
    assert artefacts.labels["tiles"] is not None
    return list(distortions("tiles", artefacts.labels["tiles"], artefacts))


def test_types_that_both_have_stand_beside_each_other(rated: Path) -> None:
    found = blocks(rated)
    assert say("beside_people") in [block.text for block in found]
    strips = {block.items[0].text: block.items[1:] for block in found if block.style == "strip"}
    beside = {name: images for name, images in strips.items() if len(images) > 1}
    ((ours, theirs),) = beside.values()  # of the blur there is nothing to compare with
    assert list(beside) == ["jpeg"]
    labels = read_table(rated / "pmos/tiles.parquet", LABELS)
    of_jpeg = labels[labels["group"] == "jpeg"].groupby("level")["pmos"]
    for level, our, their in zip(LEVELS, ours.items, theirs.items, strict=True):
        assert our.lines[0] == f"level {level}"
        values = [f"{value:.3f}" for value in of_jpeg.get_group(level)]
        assert our.lines[1] in values
        text = f"{(7 - level + 0.1) / 9:.3f}"
        assert their.lines == [f"tid2013, level {level}", text], "the middle one"
        assert (our.title, their.title) == (f"jpeg, level {level}", f"jpeg, tid2013, level {level}")
        assert our.uri.startswith("data:image/jpeg")
        assert their.uri.startswith("data:image/jpeg")


def test_nothing_stands_beside_proxy_scores_or_what_is_not_there(rated: Path) -> None:
    for changes in ({"proxies": ["tid2013"]}, {"validated": ["live"]}):
        found = blocks(rated, **changes)
        assert all(len(block.items) == 2 for block in found if block.style == "strip")
        assert say("beside_people") not in [block.text for block in found]
