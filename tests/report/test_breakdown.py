"""The SROCC of each kind of test images."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from mosforge.core import layout
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.tables import read_table, write_table
from mosforge.report.artefacts import read_artefacts, runs_of
from mosforge.report.breakdown import breakdowns
from mosforge.report.settings import PageSettings, TableSettings
from mosforge.report.words import interval, number


def dataset_of(images: list[str], kinds: list[str]) -> pd.DataFrame:
    """A dataset's table in which the images have these kinds."""
    values = {"path": "x", "reference": "r", "reference_path": None, "mos": 1.0, "quality": 0.5}
    return pd.DataFrame({"image": images, "distortion_type": kinds, "level": None, "part": None, **values})


def test_each_kind_has_the_median_of_its_sroccs_over_splits(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(results / "evaluation", folder / "evaluation")
    cfg = PageSettings(experiments={"table1": TableSettings()}, proxies=("own",))
    artefacts = read_artefacts(folder, cfg)
    rows = read_table(folder / "evaluation/table1.parquet", CORRELATIONS)
    assert list(breakdowns(rows, artefacts)) == [], "no table of a dataset is there"
    runs = [run for run in runs_of(rows) if run.dataset == "tid2013" and run.initialisation == "imagenet"]
    tables = [artefacts.predictions(run) for run in runs]
    images = tables[0]["image"].tolist()  # type: ignore[index]
    kinds = ["jpeg" if " jpeg " in name else "other" for name in images]
    kinds[:3] = ["rare"] * 3
    for name, given in (("tid2013", kinds), ("own", ["one"] * len(kinds))):
        table = dataset_of(images, given)
        write_table(folder / f"finetuning/{name}/dataset.parquet", DATASET, table, stage="finetuning", cfg={})
    (grid,) = breakdowns(rows, artefacts)
    assert [cell.text for cell in grid.head] == ["tid2013", "FT", "CLS+REG", "FSIMc"]
    lines = {line[0].text: line for line in grid.rows[""]}
    assert list(lines) == ["jpeg", "other", "rare"]
    assert lines["jpeg"][0].small == [f"{kinds.count('jpeg')} images"]
    assert [cell.text for cell in lines["rare"][1:]] == ["–"] * 3
    sroccs = []
    for table in tables:
        assert table is not None
        of_kind = table[
            table["image"].isin([n for n, kind in zip(images, kinds, strict=True) if kind == "jpeg"])
        ]
        sroccs.append(stats.spearmanr(of_kind["prediction"], of_kind["quality"]).statistic)
    low, middle, high = np.percentile(sroccs, [25, 50, 75])
    assert lines["jpeg"][1].text == number(middle)
    assert lines["jpeg"][1].small == [f"splits {interval(low, high)}"]


def test_trainings_of_a_split_count_with_their_mean(results: Path, tmp_path: Path) -> None:
    """Several trainings of one split are no spread over splits."""
    folder = tmp_path / "results"
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    rows = rows[(rows["dataset"] == "own") & (rows["initialisation"] == "imagenet")].head(1)
    rows = pd.concat([rows, rows.assign(seed=1)])
    write_table(folder / "evaluation/table1.parquet", CORRELATIONS, rows, stage="evaluation", cfg={})
    artefacts = read_artefacts(folder, PageSettings(experiments={"table1": TableSettings()}))
    first, second = runs_of(rows)
    table = read_artefacts(results, PageSettings()).predictions(first)
    assert table is not None
    again = table.assign(prediction=table["prediction"].iloc[::-1].to_numpy(), seed=1)
    sroccs = []
    for run, made in ((first, table), (second, again)):
        file = layout.below(folder, layout.PREDICTIONS, **run.wildcards)
        write_table(file, PREDICTIONS, made, stage="evaluation", cfg={})
        sroccs.append(stats.spearmanr(made["prediction"][:20], made["quality"][:20]).statistic)
    kinds = ["a"] * 20 + ["b"] * (len(table) - 20)
    images = dataset_of(table["image"].tolist(), kinds)
    write_table(folder / "finetuning/own/dataset.parquet", DATASET, images, stage="finetuning", cfg={})
    (grid,) = breakdowns(rows, artefacts)
    cell = grid.rows[""][0][1]
    assert sroccs[0] != sroccs[1]
    assert (cell.text, list(cell.small)) == (number(np.mean(sroccs)), [])
