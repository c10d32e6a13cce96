"""What holds for each official layout, and what its tests build their folders with.

A folder holds every file of the release under its own name; each image is one small real bitmap. The label
tables are the real ones where they are at hand, and made ones of the same form elsewhere.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.tables import read_table, write_table
from mosforge.finetuning.about import about
from mosforge.finetuning.dataset import load
from mosforge.finetuning.inspection import describe
from mosforge.finetuning.registry import LAYOUTS, missing
from mosforge.finetuning.settings import DatasetSettings

LABELS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "labels"
HAS_LABELS = LABELS.is_dir()
needs_labels = pytest.mark.skipif(not HAS_LABELS, reason="the shared label tables are not at hand")

Rows = list[dict[str, str]]


def settings(layout: str, folder: Path) -> DatasetSettings:
    return DatasetSettings(layout=layout, folder=folder.as_posix())


def _bitmap() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "BMP")
    return stream.getvalue()


BITMAP = _bitmap()


def touch(folder: Path, names: Iterable[str]) -> None:
    paths = [folder / name for name in names]
    for parent in {path.parent for path in paths}:
        parent.mkdir(parents=True, exist_ok=True)
    for path in paths:
        path.write_bytes(BITMAP)


def table(name: str, **options: Any) -> Rows:
    with (LABELS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, **options))


def cells(values: Iterable[str]) -> "np.ndarray[Any, Any]":
    """A MATLAB cell array of strings."""
    listed = list(values)
    array = np.empty((1, len(listed)), dtype=object)
    array[0, :] = listed
    return array


def write_csv(file: Path, rows: Rows) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def row_of(frame: pd.DataFrame, image: str) -> dict[str, Any]:
    found: dict[str, Any] = frame.set_index("image").loc[image].to_dict()
    return found


class OfficialLayout:
    """Tests of one layout; a subclass says which, and how its folder is built."""

    layout: str
    images: int
    contents: int
    lower_is_better = False
    official_split = "none"

    @staticmethod
    def build(folder: Path) -> None:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        made = tmp_path_factory.mktemp(cls.layout)
        cls.build(made)
        return made

    @pytest.fixture(scope="class")
    @classmethod
    def frame(cls, folder: Path) -> pd.DataFrame:
        return load(cls.layout, settings(cls.layout, folder))

    def test_published_counts(self, frame: pd.DataFrame) -> None:
        counts = (len(frame), frame["image"].nunique(), frame["path"].nunique())
        assert counts == (self.images, self.images, self.images)
        assert frame["reference"].nunique() == self.contents
        assert frame["image"].tolist() == sorted(frame["image"])

    def test_files_exist_and_quality_runs_with_the_declared_direction(self, frame: pd.DataFrame) -> None:
        assert all(Path(path).is_file() for path in frame["path"])
        assert all(Path(path).is_file() for path in frame["reference_path"].dropna())
        assert frame["reference_path"].notna().all() == LAYOUTS[self.layout].references
        assert frame["quality"].between(0, 1).all()
        agreement = np.corrcoef(frame["mos"], frame["quality"])[0, 1]
        assert agreement == pytest.approx(-1 if self.lower_is_better else 1)

    def test_the_frame_is_the_artefact(self, frame: pd.DataFrame, tmp_path: Path) -> None:
        write_table(tmp_path / "d.parquet", DATASET, frame, stage="finetuning", cfg={})
        stored = read_table(tmp_path / "d.parquet", DATASET)
        assert stored["image"].tolist() == frame["image"].tolist()
        assert stored["level"].isna().tolist() == frame["level"].isna().tolist()

    def test_a_missing_image_is_named(self, folder: Path, frame: pd.DataFrame) -> None:
        path = Path(frame["path"].iloc[5])
        hidden = path.rename(path.with_name("elsewhere"))
        try:
            with pytest.raises(
                MosforgeError, match=rf"dataset x: 1 of \d+ images .*(?i:{re.escape(path.stem)})"
            ) as error:
                load("x", settings(self.layout, folder))
            assert "\n" not in str(error.value)
        finally:
            hidden.rename(path)

    def test_a_missing_file_is_named_with_the_address_of_the_dataset(
        self, folder: Path, tmp_path: Path
    ) -> None:
        assert missing(settings(self.layout, folder)) is None
        nowhere, empty = (missing(settings(self.layout, place)) for place in (tmp_path / "nowhere", tmp_path))
        assert f"{tmp_path}/nowhere is missing" in str(nowhere)
        assert "https://" in str(nowhere)
        assert LAYOUTS[self.layout].required[0][0] in str(empty)

    def test_the_description_has_what_was_found(self, folder: Path, frame: pd.DataFrame) -> None:
        cfg = settings(self.layout, folder)
        found = describe(self.layout, frame, cfg)
        assert found["images"] == LAYOUTS[self.layout].images == self.images
        assert found["official_split"] == self.official_split
        assert found["unit"] == about(cfg).unit
