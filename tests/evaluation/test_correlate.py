"""`mosforge evaluation correlate`: a row for each model, and predictions from which there is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.evaluation.correlate import row_of
from mosforge.statistics.correlations import correlations
from mosforge.statistics.intervals import intervals

RUN = {
    "dataset": "tid2013",
    "split": "1",
    "backbone": "resnet50",
    "initialisation": "imagenet",
    "test_dataset": "live",
    "seed": 0,
    "adaptation": "finetune",
}
COUNT = 30


def predictions(**run: Any) -> Frame:
    """The predictions of a model whose errors are noise."""
    rng = np.random.default_rng(0)
    quality = rng.uniform(size=COUNT)
    images = [f"{i:02}.png" for i in range(COUNT)]
    columns = {"image": images, "path": images, "content": images, "clean": True, "other_contents": 70}
    columns |= {"mos": quality, "quality": quality}
    noisy = quality + rng.normal(0, 0.2, COUNT)
    return pd.DataFrame({**RUN, **run, **columns, "prediction": noisy, "spread": 0.1})


def write(file: Path, frame: Frame) -> Path:
    write_table(file, PREDICTIONS, frame, stage="test", cfg={})
    return file


def correlate(output: Path, *files: Path) -> int:
    words = ["--predictions", *map(str, files), "--output", str(output)]
    return main(["evaluation", "correlate", *words])


def test_a_row_holds_the_run_its_correlations_and_their_intervals() -> None:
    frame = predictions().set_index(np.arange(5, 5 + COUNT))
    row = row_of(frame)
    assert {key: row[key] for key in RUN} == RUN
    columns = frame["prediction"].to_numpy(), frame["quality"].to_numpy()
    assert row["srocc"] == correlations(*columns)["srocc"]
    assert (row["srocc_low"], row["srocc_high"]) == intervals(
        *columns, frame["content"].tolist(), "live", "1"
    )["srocc"]
    assert (row["contents"], row["other_contents"]) == (COUNT, 70)


def test_the_order_of_the_images_changes_nothing() -> None:
    assert row_of(predictions()) == row_of(predictions().iloc[::-1])


def test_no_images_have_no_correlation() -> None:
    with pytest.raises(MosforgeError, match="test images"):
        row_of(predictions().iloc[:0])


def test_an_experiment_has_a_row_for_each_model(tmp_path: Path) -> None:
    other = predictions(initialisation="synthetic-multitask", test_dataset="csiq")
    files = [write(tmp_path / "b.parquet", other), write(tmp_path / "a.parquet", predictions())]
    assert correlate(tmp_path / "table.parquet", *files) == 0
    table = read_table(tmp_path / "table.parquet", CORRELATIONS)
    assert table[["initialisation", "test_dataset"]].to_numpy().tolist() == [
        ["synthetic-multitask", "csiq"],
        ["imagenet", "live"],
    ]
    assert table["images"].tolist() == [COUNT, COUNT]
    assert table["srocc"].between(0.5, 1).all()


def test_predictions_without_a_correlation_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    single = write(tmp_path / "single.parquet", predictions().head(1))
    assert correlate(tmp_path / "table.parquet", write(tmp_path / "a.parquet", predictions()), single) == 1
    assert f"{single}: a correlation needs" in capsys.readouterr().err
    assert not (tmp_path / "table.parquet").exists()


def test_a_metric_that_can_compare_a_single_image_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    single = write(tmp_path / "single.parquet", predictions(backbone="none").head(1))
    assert correlate(tmp_path / "table.parquet", single) == 0
    assert len(read_table(tmp_path / "table.parquet", CORRELATIONS)) == 0
    assert f"{single}: left out" in capsys.readouterr().err


def test_an_experiment_without_a_dataset_is_an_empty_table(tmp_path: Path) -> None:
    assert correlate(tmp_path / "table.parquet") == 0
    assert len(read_table(tmp_path / "table.parquet", CORRELATIONS)) == 0


def test_clean_images_have_their_own_correlations_beside_those_of_all(tmp_path: Path) -> None:
    frame = predictions().assign(clean=[place % 3 > 0 for place in range(COUNT)])
    assert correlate(tmp_path / "table.parquet", write(tmp_path / "a.parquet", frame)) == 0
    row = read_table(tmp_path / "table.parquet", CORRELATIONS).iloc[0]
    clean = row_of(frame[frame["clean"]])
    assert (row["images"], row["clean_images"], clean["clean_images"]) == (COUNT, 20, 20)
    assert row["clean_srocc"] == clean["srocc"] != row["srocc"]
    assert row["clean_srocc_low"] == clean["srocc_low"]
    assert row["srocc"] == row_of(predictions())["srocc"]


@pytest.mark.parametrize(("clean", "images"), [(True, COUNT), (None, None), (False, 0)])
def test_nothing_stands_beside_where_all_or_none_are_clean_or_nothing_was_compared(
    tmp_path: Path, clean: bool | None, images: int | None
) -> None:
    file = write(tmp_path / "a.parquet", predictions().assign(clean=clean))
    assert correlate(tmp_path / "table.parquet", file) == 0
    row = read_table(tmp_path / "table.parquet", CORRELATIONS).iloc[0]
    assert row["clean_images"] == images if images is not None else pd.isna(row["clean_images"])
    assert pd.isna(row["clean_srocc"])
