"""`mosforge sources` as the workflow's rules and people call it."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.sources import CATALOGUE, EXCLUDED
from mosforge.core.stamps import made_by
from mosforge.core.tables import read_table, write_table
from mosforge.sources.command import add_commands


def call(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["sources", *map(str, words)])
    return arguments.run(arguments) or 0


def photograph(path: Path, seed: int, side: int = 170) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(here: Path, collections: dict[str, Any], datasets: dict[str, Any] | None = None) -> None:
    sources = {"shard_size": 2, "smallest_side": 161, "collections": collections}
    config = {"sources": sources, "finetuning": {"datasets": datasets or {}}}
    (here / "config.yaml").write_text(yaml.safe_dump(config))


def test_catalogue_of_a_folder(here: Path) -> None:
    for number in range(3):
        photograph(here / f"photos/{number}.png", number)
    (here / "photos/bad.jpg").write_bytes(b"bad")
    cfg = {"folder": "photos", "images": 4, "shard_size": 2, "smallest_side": 161}
    words = ["--name", "mine", "--output", "c.parquet", "--excluded", "e.parquet", "--threads", 2]
    assert call("catalogue", *words, "--cfg", json.dumps(cfg)) == 0
    catalogue = read_table("c.parquet", CATALOGUE)
    assert catalogue["path"].tolist() == [f"photos/{number}.png" for number in range(3)]
    assert catalogue["shard"].tolist() == [0, 0, 1]
    assert read_table("e.parquet", EXCLUDED)["image_id"].tolist() == ["bad.jpg"]
    assert made_by("c.parquet")["cfg"] == cfg


def test_catalogue_of_a_dataset(here: Path) -> None:
    rows = []
    for number in range(2):
        photograph(here / f"data/pictures/{number}.png", number)
        name = f"name {number}.png"
        rows.append((name, f"data/pictures/{number}.png", name, None, 1.0, 0.5, None, None, None))
    names = [
        "image",
        "path",
        "reference",
        "reference_path",
        "mos",
        "quality",
        "distortion_type",
        "level",
        "part",
    ]
    write_table("d.parquet", DATASET, pd.DataFrame(rows, columns=names), stage="finetuning", cfg={})
    words = ["--name", "livec", "--output", "c.parquet", "--excluded", "e.parquet", "--dataset", "d.parquet"]
    call("catalogue", *words, "--cfg", '{"shard_size": 100, "smallest_side": 161}')
    catalogue = read_table("c.parquet", CATALOGUE)
    assert catalogue["image_id"].tolist() == ["name 0.png", "name 1.png"]
    assert catalogue["path"].tolist() == ["data/pictures/0.png", "data/pictures/1.png"]


def test_fetch_says_what_lies_there(here: Path) -> None:
    pytest.importorskip("skimage")
    packaged = {"photographs": ["skimage/data/astronaut.png"], "tile": 256, "stride": 256}
    cfg = {"folder": "tiles", "images": 4, "packaged": packaged}
    call("fetch", "--name", "demo", "--output", "results/demo.fetched.json", "--cfg", json.dumps(cfg))
    told = json.loads((here / "results/demo.fetched.json").read_text())
    assert (told["path"], told["files"]) == ("tiles", 4)


def test_photographs_of_two_datasets_are_told_in_one_table(here: Path) -> None:
    for seed in range(3):
        photograph(here / f"photos/{seed}.png", seed)
    for name, seed in (("rated", 1), ("other", 2), ("strange", 7)):
        photograph(here / name / "x.jpg", seed)
        columns = {
            "image": ["x.jpg"],
            "path": [f"{name}/x.jpg"],
            "reference": ["x"],
            "mos": [1.0],
            "quality": [1.0],
        }
        write_table(f"{name}.parquet", DATASET, columns, stage="finetuning", cfg={})
    catalogue, cfg = "photos.parquet", json.dumps({"folder": "photos", "shard_size": 2, "smallest_side": 161})
    words = ["--name", "photos", "--output", catalogue, "--excluded", "excluded.parquet", "--cfg", cfg]
    assert call("catalogue", *words) == 0
    for name in ("rated", "other", "strange"):
        words = ["--catalogue", catalogue, "--dataset", f"{name}.parquet", "--name", name]
        assert call("screen", *words, "--output", f"{name}.leaks", "--cfg", '{"correlation": 0.9}') == 0
    assert read_table("strange.leaks", LEAKS).empty
    assert call("leaks", "rated.leaks", "strange.leaks", "other.leaks", "--output", "leaks.parquet") == 0
    leaks = read_table("leaks.parquet", LEAKS)
    assert (leaks["source"] == "photos").all()
    assert leaks[["image_id", "dataset", "image"]].to_numpy().tolist() == [
        ["1.png", "rated", "x.jpg"],
        ["2.png", "other", "x.jpg"],
    ]
    assert call("leaks", "other.leaks", "rated.leaks", "--output", "fewer.parquet") == 0
    assert Path("fewer.parquet").read_bytes() == Path("leaks.parquet").read_bytes(), "so nothing reruns"


def test_check_tells_what_is_missing_and_where_to_get_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = {"url": "http://x.org/voc.tar", "md5": "0" * 32, "size": 2_000_000_000, "pictures": "p"}
    configure(
        here,
        {
            "waterloo": {"folder": "w", "images": 2, "obtain": "ask at x.org"},
            "voc": {"folder": "v", "images": 2, "archive": archive},
            "livec": {"dataset": "livec"},
        },
        {"livec": {"layout": "livec", "folder": "l"}},
    )
    for name, told in {
        "waterloo": "ask at x.org",
        "voc": "http://x.org/voc.tar (2.0 GB); or put that file at resources/downloads/voc.tar",
        "livec": "mosforge finetuning check livec",
    }.items():
        assert call("check", name) == 1
        printed = capsys.readouterr().out
        assert "missing" in printed
        assert told in printed


def test_check_tells_what_was_found(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, {"waterloo": {"folder": "w", "images": 3}})
    photograph(here / "w/a.png", 0)
    photograph(here / "w/small.png", 0, side=100)
    assert call("check", "waterloo") == 1
    assert "2 pictures of 3, 1 with a side under 161 pixels" in capsys.readouterr().out
    (here / "w/bad.png").write_bytes(b"bad")
    assert call("check", "waterloo") == 0
    assert (
        "3 pictures of 3, 1 with a side under 161 pixels, 1 not readable (bad.png: not"
        in capsys.readouterr().out
    )
    photograph(here / "w/b.png", 1)
    assert call("check", "waterloo") == 1
    assert "correct the key images" in capsys.readouterr().out


def test_check_of_packaged_photographs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("skimage")
    packaged = {
        "photographs": ["skimage/data/astronaut.png", "nobody_has_this/x.png"],
        "tile": 256,
        "stride": 256,
    }
    configure(here, {"demo": {"folder": "t", "images": 4, "packaged": packaged}})
    assert call("check", "demo") == 1
    assert "pip install mosforge[demo]" in capsys.readouterr().out
    (here / "less.yaml").write_text(
        "{sources: {collections: {demo: {packaged: {photographs: [skimage/data/astronaut.png]}}}}}"
    )
    assert call("check", "demo", "--config", "less.yaml") == 0


def test_check_of_an_unknown_source(here: Path) -> None:
    configure(here, {"waterloo": {"folder": "w"}})
    with pytest.raises(MosforgeError, match=r"'voc' is not in sources\.collections; there are waterloo"):
        call("check", "voc")


def test_check_away_from_the_projects_configuration(here: Path) -> None:
    (here / "mine.yaml").write_text("sources: {collections: {photos: {folder: photos}}}")
    with pytest.raises(MosforgeError, match=r"no key sources\.smallest_side; run this where config\.yaml is"):
        call("check", "photos", "--config", "mine.yaml")
