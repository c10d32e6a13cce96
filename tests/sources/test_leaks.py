"""The job `leaks`: one table of what was found in several datasets."""

from pathlib import Path

import pandas as pd

from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.tables import read_table, write_table
from mosforge.sources.leaks import leaks


def table(path: Path, dataset: str, image_ids: list[str]) -> Path:
    """What was found in one dataset."""
    rows = pd.DataFrame({"image_id": image_ids})
    rows = rows.assign(source="photos", dataset=dataset, image="x.jpg", matches=9, scale=1.0)
    rows = rows.assign(mirrored=False, correlation=0.95)
    write_table(path, LEAKS, rows, stage="sources", cfg={"dataset": dataset})
    return path


def test_the_leaks_into_several_datasets_are_one_table(tmp_path: Path) -> None:
    rated = table(tmp_path / "rated", "rated", ["2.png", "1.png"])
    other = table(tmp_path / "other", "other", ["2.png"])
    none = table(tmp_path / "none", "none", [])
    leaks([rated, none, other], output=tmp_path / "leaks.parquet")
    found = read_table(tmp_path / "leaks.parquet", LEAKS)
    assert found[["image_id", "dataset"]].to_numpy().tolist() == [
        ["1.png", "rated"],
        ["2.png", "other"],
        ["2.png", "rated"],
    ]
    leaks([other, rated], output=tmp_path / "fewer.parquet")
    same = (tmp_path / "fewer.parquet").read_bytes() == (tmp_path / "leaks.parquet").read_bytes()
    assert same, "so that nothing runs again after a dataset without leaks is added"


def test_a_source_that_is_compared_with_no_dataset_has_an_empty_table(tmp_path: Path) -> None:
    leaks([], output=tmp_path / "leaks.parquet")
    assert read_table(tmp_path / "leaks.parquet", LEAKS).empty
