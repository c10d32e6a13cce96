"""What the page says of images that show the same scene."""

from pathlib import Path

import pandas as pd
from rows import correlations, crossed

from mosforge.core.schemas.datasets import CONTENTS, SPLIT
from mosforge.core.tables import write_table
from mosforge.report.artefacts import Artefacts
from mosforge.report.provenance import content_blocks
from mosforge.report.settings import PageSettings


def test_scenes_are_counted_and_test_images_that_are_not_clean_are_named(tmp_path: Path) -> None:
    contents = pd.DataFrame({"image": list("abcd"), "reference": list("abcd"), "content": list("aacd")})
    write_table(tmp_path / "finetuning/own/contents.parquet", CONTENTS, contents, stage="test", cfg={})
    split = contents.assign(part=["train", "test", "test", "train"], clean=[True, False, True, True])
    write_table(tmp_path / "finetuning/own/official/split.parquet", SPLIT, split, stage="test", cfg={})
    across = contents.assign(part="test", clean=[True, True, False, True])
    write_table(tmp_path / "finetuning/own/across/live/split.parquet", SPLIT, across, stage="test", cfg={})
    within = correlations({("resnet50", "imagenet"): [0.8, 0.6]})
    within["split"] = ["official", "1"]
    within.loc[0, "clean_images"] = 99
    between = crossed({("live", "own", "resnet50", "imagenet"): 0.5}).assign(clean_images=97)
    found = list(content_blocks(_artefacts(tmp_path, pd.concat([within, between]))))
    assert [block.kind for block in found] == ["p", "details", "details"]
    assert "own" in found[0].text
    assert (
        "of the 4 contents that the dataset names, 2 show the scene of another (scenes that are shared: 1)"
        in found[0].text
    )
    assert found[1].text == "own, official split: 1 test image whose content is trained on"
    assert [[cell.text for cell in row] for row in found[1].items[0].items[0].rows[""]] == [["b", "a"]]
    assert found[2].text.startswith("live → own: 1 test image ")
    assert [[cell.text for cell in row] for row in found[2].items[0].items[0].rows[""]] == [["c", "c"]]


def test_nothing_is_said_of_what_was_not_compared(tmp_path: Path) -> None:
    rows = correlations({("resnet50", "imagenet"): [0.8]}).assign(clean_images=None)
    assert list(content_blocks(_artefacts(tmp_path, rows))) == []


def _artefacts(results: Path, rows: pd.DataFrame) -> Artefacts:
    return Artefacts(results, PageSettings.model_validate({"title": "t", "config": {}}), {}, {}, rows, {}, {})
