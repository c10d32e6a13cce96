"""`mosforge finetuning` as the workflow's rules and people call it."""

import argparse
import json
from pathlib import Path

import pytest
import yaml

from mosforge.core.schemas.datasets import SPLIT
from mosforge.core.stamps import made_by
from mosforge.core.tables import read_table
from mosforge.finetuning.command import add_commands
from mosforge.finetuning.registry import LAYOUTS
from mosforge.finetuning.splits import split_digest

RATINGS = {
    "layout": "table",
    "folder": "ratings",
    "table": "scores.csv",
    "images": "pictures",
    "range": [0, 100],
    "higher_is_better": False,
}


def call(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["finetuning", *map(str, words)])
    return arguments.run(arguments) or 0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, ten pictures of five contents, and an empty folder for each layout."""
    monkeypatch.chdir(tmp_path)
    official = {name: {"layout": name, "folder": f"datasets/{name}"} for name in LAYOUTS}
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"finetuning": {"datasets": {"ratings": RATINGS, **official}}})
    )
    (tmp_path / "ratings/pictures").mkdir(parents=True)
    lines = ["image,mos,reference,split"]
    for place in range(10):
        (tmp_path / f"ratings/pictures/{place}.JPG").write_bytes(b"x")
        part = "test" if place < 2 else "train"
        lines.append(f"{place}.jpg,{10 * place + 0.5},content {place // 2},{part}")
    (tmp_path / "ratings/scores.csv").write_text("\n".join(lines))
    for name in LAYOUTS:
        (tmp_path / "datasets" / name).mkdir(parents=True)
    return tmp_path


def test_check_tells_what_was_found(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "ratings") == 0
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    assert told == {
        "dataset": "ratings",
        "images": "10",
        "contents": "5",
        "unit": "DMOS, 0 to 100",
        "direction": "lower is better",
        "lowest": "0.5000",
        "highest": "90.5000",
        "official_split": "train 8, test 2",
        "licence": "that of its owner",
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_check_tells_what_is_missing_and_where_to_ask(
    here: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", layout) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"{layout}: datasets/{layout} lacks {LAYOUTS[layout].required[0][0]}")
    assert told.rstrip("\n").endswith(f": {LAYOUTS[layout].obtain}")
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", ["3", "official"])
def test_a_split_is_written_with_its_digest(here: Path, name: str) -> None:
    dataset, split = here / "dataset.parquet", here / "split.parquet"
    assert call("dataset", "--name", "ratings", "--output", dataset, "--cfg", json.dumps(RATINGS)) == 0
    cfg = {"train": 0.8, "validation": 0.0}
    assert (
        call("split", "--dataset", dataset, "--name", name, "--output", split, "--cfg", json.dumps(cfg)) == 0
    )
    frame = read_table(split, SPLIT)
    assert frame["part"].value_counts().to_dict() == {"train": 8, "test": 2}
    assert made_by(split)["cfg"] == {**cfg, "digest": split_digest(frame)}
