"""The configuration of the paper, as it is and with two of its datasets there."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share plans.py

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    return loaded


@pytest.fixture
def with_datasets(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The full configuration with the files by which TID2013 and LIVEC are known to be there."""
    monkeypatch.chdir(tmp_path)
    for name in ("tid2013/distorted_images", "tid2013/reference_images", "livec/Data", "livec/Images"):
        (tmp_path / "resources/datasets" / name).mkdir(parents=True)
    for name in (
        "tid2013/mos_with_names.txt",
        "livec/Data/AllImages_release.mat",
        "livec/Data/AllMOS_release.mat",
    ):
        (tmp_path / "resources/datasets" / name).touch()
    return config


@pytest.fixture
def rated(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The configuration with a user's table of 200 images, and a source of them."""
    monkeypatch.chdir(tmp_path)
    Path("rated/images").mkdir(parents=True)
    lines = ["image,mos,reference_image"]
    for i in range(200):
        Path(f"rated/images/{i}.jpg").write_bytes(b"x")
        lines.append(f"{i}.jpg,{i / 50},{'original.JPG' if i == 7 else ''}")
    Path("rated/images/original.jpg").write_bytes(b"x")
    Path("rated/labels.csv").write_text("\n".join(lines))
    entry = {"layout": "table", "folder": "rated", "table": "labels.csv", "images": "images", "range": [0, 5]}
    entry |= {"corpus": "synthetic", "higher_is_better": True}
    config["finetuning"]["datasets"]["rated"] = entry
    config["sources"]["collections"]["again"] = {"dataset": "rated"}
    return config
