"""The job `table`: its four files."""

import csv
from pathlib import Path

import pytest

from mosforge.cli import main


def arguments(results: Path, folder: Path, experiment: str, *predictions: str) -> list[str]:
    """The command line, writing NAME.csv and so on into a folder."""
    outputs = {
        name: str(folder / f"{experiment}.{name}") for name in ("csv", "md", "gains", "splits", "sanity")
    }
    words = ["report", "table", "--experiment", experiment]
    words += [
        "--correlations",
        str(results / f"evaluation/{experiment}.parquet"),
        "--predictions",
        *predictions,
        "--sane",
        "--labels",
    ]
    words += ["--output", outputs["csv"], "--markdown", outputs["md"]]
    words += ["--gains", outputs["gains"], "--splits", outputs["splits"], "--sanity", outputs["sanity"]]
    return words


def test_the_job_writes_its_files(results: Path, tmp_path: Path) -> None:
    cfg = '{"proxies": ["own"], "left_out": ["live: not there"]}'
    assert main([*arguments(results, tmp_path / "t", "table1"), "--cfg", cfg]) == 0
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in (tmp_path / "t").iterdir()}
    assert "Proposed" in texts[".csv"]
    assert "- live: not there" in texts[".md"]
    assert texts[".splits"].count("\n") == 16
    assert texts[".sanity"].startswith("experiment,method,")
    assert texts[".sanity"].count("\n") == 1, "only its head, since no model was asked"
    lines = list(csv.DictReader(texts[".gains"].splitlines()))
    assert [(line["method"], line["against"], line["test_dataset"], line["note"]) for line in lines] == [
        ("CLS+REG", "FT", "tid2013", ""),
        ("CLS+REG", "FT", "own", "proxy scores, not human scores"),
    ]
    assert {(line["interval_over"], line["splits"]) for line in lines} == {("splits", "3")}


def test_an_unknown_setting_is_refused(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments(results, tmp_path, "table1"), "--cfg", '{"proxy": []}'])
    assert stopped.value.code == 2
    assert "proxy" in capsys.readouterr().err


def test_the_gains_of_a_single_split_rest_on_its_predictions(results: Path, tmp_path: Path) -> None:
    files = sorted(str(file) for file in (results / "evaluation/tid2013/1").rglob("*.parquet"))
    over = []
    for given in ([], files):
        assert main([*arguments(results, tmp_path, "ablation", *given), "--cfg", "{}"]) == 0
        (line,) = csv.DictReader((tmp_path / "ablation.gains").read_text(encoding="utf-8").splitlines())
        over.append((line["interval_over"], line["low"] != ""))
    assert over == [("", False), ("contents of test images", True)]
