"""The paper's experiments in the one real run: what each table holds, and what it says is left out."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from workflow_project import dry_run

from mosforge.core.schemas.correlations import CORRELATIONS, MEASURES, VALIDATION
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.tables import read_table
from mosforge.report.published import published_results
from mosforge.report.words import number

pytestmark = pytest.mark.slow

METHODS = {
    "table1": ["FT", "CLS+REG", "PSNR", "SSIM", "FSIMc", "BRISQUE"],
    "table2": ["FT", "CLS+REG", "PSNR", "MDSI", "BRISQUE"],
    "table3": ["CLS+REG", "BRISQUE"],
    "ablation": ["FT", "CLS", "REG", "CLS+REG", "RANK"],
}
COLUMNS = {
    "table1": [("csiq", "csiq")],
    "table2": [("rated", "rated"), ("stand_in", "stand_in")],
    "table3": [("csiq", "rated"), ("rated", "csiq")],
    "ablation": [("csiq", "csiq")],
}
ABLATION = ["imagenet", *(f"synthetic-{name}" for name in ("cls", "reg", "multitask", "rank"))]


def table(project: Path, experiment: str) -> pd.DataFrame:
    return pd.read_csv(project / f"results/report/tables/{experiment}.csv")


def notes(project: Path, experiment: str) -> str:
    return (project / f"results/report/tables/{experiment}.md").read_text()


def correlations(project: Path, experiment: str) -> pd.DataFrame:
    return read_table(project / f"results/evaluation/{experiment}.parquet", CORRELATIONS)


def test_every_target_is_made(project: Path) -> None:
    assert not dry_run(project, "corpus", "screened", "pretrained", *METHODS, "report")


@pytest.mark.parametrize("experiment", METHODS)
def test_the_rows_are_the_methods_and_the_columns_the_datasets(project: Path, experiment: str) -> None:
    measured = table(project, experiment).query("origin == 'measured'")
    assert set(measured["method"]) == set(METHODS[experiment])
    pairs = set(zip(measured["train_dataset"], measured["test_dataset"], strict=True))
    assert pairs - {("weighted_average", "weighted_average")} == set(COLUMNS[experiment])
    of_networks = measured[measured["backbone"].notna()]
    assert set(of_networks["backbone"]) == {"efficientnet_lite0"}
    assert np.isfinite(of_networks["value"]).all()


@pytest.mark.parametrize("experiment", METHODS)
def test_every_measure_of_a_network_is_finite_and_of_its_test_images(project: Path, experiment: str) -> None:
    found = correlations(project, experiment).query("backbone != 'none'")
    assert len(found) == len(COLUMNS[experiment]) * sum(
        name in METHODS["ablation"] for name in METHODS[experiment]
    )
    assert np.isfinite(found[list(MEASURES)]).all(axis=None)
    assert found[["srocc", "krocc", "plcc", "plcc_mapped"]].abs().max(axis=None) <= 1
    images = {"csiq": 5, "rated": 2, "stand_in": 10} if experiment != "table3" else {"csiq": 30, "rated": 10}
    assert dict(zip(found["test_dataset"], found["images"], strict=True)) == {
        test: images[test] for _, test in COLUMNS[experiment]
    }


def test_published_rows_stand_where_the_names_are_the_papers(project: Path) -> None:
    published = {name: table(project, name).query("origin == 'published'") for name in METHODS}
    assert {name for name, rows in published.items() if len(rows)} == {"table1"}
    found = published["table1"][["method", "test_dataset", "metric", "value"]]
    paper = published_results().query("table == 1 and test_dataset == 'csiq'")
    assert len(found) > 20
    assert found.to_numpy().tolist() == paper[found.columns].to_numpy().tolist()
    assert "Published rows are copied from the paper's Table 1" in notes(project, "table1")


def test_pretraining_changes_what_a_network_predicts_and_the_differences_are_there(project: Path) -> None:
    folder = project / "results/evaluation/csiq/1/efficientnet_lite0"
    predictions = {
        name: read_table(folder / name / "finetune/csiq.parquet", PREDICTIONS)["prediction"]
        for name in ABLATION
    }
    for one, other in combinations(ABLATION, 2):
        # equal weights give equal bits; so short a training moves some of them by little
        assert not np.array_equal(predictions[one], predictions[other]), (one, other)
    found = correlations(project, "ablation").set_index("initialisation")["srocc"]
    assert list(found.index) == ABLATION
    page = (project / "results/report/index.html").read_text()
    start = f"csiq, efficientnet_lite0: SROCC {number(found['imagenet'])} from the first weights only (FT), "
    after = re.findall(rf"{re.escape(start)}(\S+) after (\S+) pretraining", page)
    names = {"CLS": "cls", "REG": "reg", "CLS+REG": "multitask", "RANK": "rank"}
    assert after
    assert all(value == number(found[f"synthetic-{names[name]}"]) for value, name in after)
    figures = {path.name for path in (project / "results/report/figures").iterdir()}
    assert {f"bars-{name}.{kind}" for name in ("table1", "ablation") for kind in ("svg", "png")} < figures


def test_frozen_networks_are_probed_and_scored_as_they_are(project: Path) -> None:
    found = table(project, "frozen").query("metric == 'srocc'")
    names = ["ImageNet, probe", "CLS+REG, probe", "ImageNet and CLS+REG, probe", "CLS+REG, zero-shot"]
    assert found["method"].tolist() == names
    folder = project / "results/evaluation/features/rated"
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*.parquet")} == {
        "efficientnet_lite0/imagenet.parquet",
        "rated/1/efficientnet_lite0/authentic-multitask.parquet",
    }
    assert "Probe: a ridge regression" in notes(project, "frozen")


def test_what_is_not_there_is_left_out_with_a_line(project: Path) -> None:
    missing = "dataset live is left out: the folder resources/datasets/live is missing"
    assert missing in notes(project, "table1")
    assert missing in (project / "results/report/index.html").read_text()
    assert missing in (project.parent / "log.txt").read_text()
    assert missing not in notes(project, "table2")
    line = "psnr, mdsi on dataset rated left out of table2: it has no reference images"
    assert line in notes(project, "table2")


def test_metrics_stand_for_the_images_that_have_a_reference_image(project: Path) -> None:
    line = (
        "psnr, ssim, fsim on dataset csiq of table1: measured only on the images that have a "
        "reference image, 24 of 30"
    )
    assert line in notes(project, "table1")
    found = table(project, "table1").query("origin == 'measured'").drop_duplicates("method")
    images = found.set_index("method")["images"].to_dict()
    assert images == {"FT": 5, "CLS+REG": 5, "PSNR": 4, "SSIM": 4, "FSIMc": 4, "BRISQUE": 5}
    found = correlations(project, "table1").query("initialisation in ('psnr', 'ssim', 'fsim')")
    assert (found["srocc"] == 1).all(), "four JPEGs of one content, from weak to strong; DMOS are turned"
    validation = read_table(project / "results/pmos/validation/csiq.parquet", VALIDATION)
    assert set(validation["images"]) == {24}
