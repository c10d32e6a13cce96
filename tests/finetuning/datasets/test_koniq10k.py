"""KonIQ-10k: an official split, and two label files of different scales."""

from pathlib import Path

import pandas as pd
import pytest
from official_layout import (
    HAS_LABELS,
    OfficialLayout,
    Rows,
    needs_labels,
    row_of,
    settings,
    table,
    touch,
    write_csv,
)

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.dataset import load


def koniq_rows() -> Rows:
    if HAS_LABELS:
        return table("koniq10k/koniq10k_distributions_sets.csv")
    parts = ["training"] * 7058 + ["validation"] * 1000 + ["test"] * 2015
    rows = enumerate(parts)
    return [{"image_name": f"{n}.jpg", "SD": "0.5", "MOS": str(n / 101), "set": part} for n, part in rows]


def build_koniq10k(folder: Path) -> None:
    rows = koniq_rows()
    touch(folder, (f"512x384/{row['image_name']}" for row in rows))
    write_csv(folder / "koniq10k_distributions_sets.csv", rows)


@pytest.mark.slow  # ten thousand files
class TestKoniq10k(OfficialLayout):
    layout = "koniq10k"
    images = 10073
    contents = 10073
    official_split = "train 7058, validation 1000, test 2015"
    build = staticmethod(build_koniq10k)

    @needs_labels
    def test_koniq10k_has_the_official_split(self, frame: pd.DataFrame) -> None:
        assert frame["part"].value_counts().to_dict() == {"train": 7058, "validation": 1000, "test": 2015}
        row = row_of(frame, "10004473376.jpg")
        assert (row["mos"], row["part"]) == (77.3836206897, "train")
        assert row["quality"] == pytest.approx(0.773836206897)

    def test_koniq10k_without_a_split_takes_the_column_on_0_to_100(self, tmp_path: Path) -> None:
        rows = [
            {"image_name": row["image_name"], "MOS": "3.1", "SD": row["SD"], "MOS_zscore": row["MOS"]}
            for row in koniq_rows()
        ]
        touch(tmp_path, (f"1024x768/{row['image_name']}" for row in rows))
        write_csv(tmp_path / "koniq10k_scores_and_distributions.csv", rows)
        frame = load("k", settings("koniq10k", tmp_path))
        assert frame["part"].isna().all()
        first = rows[0]
        assert row_of(frame, first["image_name"])["mos"] == float(first["MOS_zscore"])
        write_csv(tmp_path / "koniq10k_scores_and_distributions.csv", [{"image_name": "a.jpg", "MOS": "3.1"}])
        with pytest.raises(MosforgeError, match=r"no column MOS_zscore; .*image_name, MOS"):
            load("k", settings("koniq10k", tmp_path))
