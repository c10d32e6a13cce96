"""What is known of a dataset without reading it."""

import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.finetuning import datasets
from mosforge.finetuning.about import ABOUT
from mosforge.finetuning.registry import LAYOUTS, layout_of, missing
from mosforge.finetuning.settings import DatasetSettings


def table(folder: Path = Path(), **options: Any) -> DatasetSettings:
    given = {"table": "labels.csv", "images": "images", "range": [0, 10], **options}
    return DatasetSettings(layout="table", folder=folder.as_posix(), **given)


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        (DatasetSettings(layout="ava", folder="."), "layout ava: .*use live, csiq"),
        (table(range=None), "the key range is missing"),
        (table(table=None), "the key table is missing"),
        (table(range=[1, 0]), r"range \[1, 0\]"),
    ],
)
def test_a_layout_that_is_impossible_is_refused(cfg: DatasetSettings, message: str) -> None:
    with pytest.raises(MosforgeError, match=message):
        layout_of(cfg)


def test_a_missing_table_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels.csv").touch()
    assert missing(table(tmp_path)) is None
    lacking = str(missing(table(tmp_path, table="other.csv")))
    assert lacking.startswith(f"{tmp_path} lacks other.csv: ")
    assert lacking.endswith("images")


def test_people_are_told_about_every_official_layout() -> None:
    assert ABOUT.keys() == LAYOUTS.keys()
    assert all(about.unit and about.licence and "https://" in about.obtain for about in ABOUT.values())


def test_each_layout_has_a_module_of_its_name() -> None:
    """The rules count the code of a dataset by the name of its layout."""
    names = {module.name for module in pkgutil.iter_modules(datasets.__path__)}
    assert names == {*LAYOUTS, "table", "base"}


def test_planning_imports_nothing_heavy_with_it() -> None:
    heavy = ["pandas", "numpy", "torch"]
    code = f"import sys, mosforge.finetuning.registry; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
