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
