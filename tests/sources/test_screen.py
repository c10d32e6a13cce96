"""The leakage guard: which image of a source shows what an image of a target dataset shows."""

from pathlib import Path

import pandas as pd

from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table
from mosforge.sources.screen import screen
from mosforge.sources.settings import ScreenSettings

CORRELATION = 0.9


def test_the_job_says_which_image_of_the_dataset_it_is(images: list[tuple[str, str]], tmp_path: Path) -> None:
    rows = pd.DataFrame(images, columns=["image_id", "path"]).assign(source="photos", sha256="", width=1)
    rows = rows.assign(height=1, format="PNG", mode="RGB", shard=0)
    write_table(tmp_path / "catalogue", CATALOGUE, rows, stage="sources", cfg={})
    shown = pd.DataFrame(images[1:2], columns=["image", "path"])
    shown = shown.assign(reference="x", mos=1.0, quality=1.0)
    write_table(tmp_path / "dataset", DATASET, shown, stage="finetuning", cfg={})
    settings = {"correlation": CORRELATION, "dataset": {"layout": "table", "folder": "rated"}}
    cfg = ScreenSettings.model_validate(settings)
    screen(tmp_path / "catalogue", tmp_path / "dataset", name="rated", output=tmp_path / "leaks", cfg=cfg)
    found = read_table(tmp_path / "leaks", LEAKS)
    assert found[["source", "image_id", "dataset", "image"]].to_numpy().tolist() == [
        ["photos", "chelsea", "rated", "chelsea"]
    ]
    assert read_stamp(tmp_path / "leaks")["cfg"] == settings
