"""KADID-10k: a DMOS that is higher-is-better."""

from pathlib import Path

import pandas as pd
import pytest
from official_layout import HAS_LABELS, OfficialLayout, needs_labels, row_of, table, touch, write_csv


def build_kadid10k(folder: Path) -> None:
    if HAS_LABELS:
        rows = [
            {
                "dist_img": Path(row["dis_img_path"]).name,
                "ref_img": Path(row["ref_img_path"]).name,
                "dmos": row["score"],
                "var": "0.5",
            }
            for row in table("kadid10k/kadid10k.txt")
        ]
    else:
        names = [(c, k, n) for c in range(1, 82) for k in range(1, 26) for n in range(1, 6)]
        rows = [
            {
                "dist_img": f"I{c:02d}_{k:02d}_{n:02d}.png",
                "ref_img": f"I{c:02d}.png",
                "dmos": str(6 - n),
                "var": "1",
            }
            for c, k, n in names
        ]
        rows = [row | {"dmos": str(min(5, float(row["dmos"])))} for row in rows]
    touch(folder, {f"images/{row[key]}" for row in rows for key in ("dist_img", "ref_img")})
    write_csv(folder / "dmos.csv", rows)


@pytest.mark.slow  # ten thousand files
class TestKadid10k(OfficialLayout):
    layout = "kadid10k"
    images = 10125
    contents = 81
    build = staticmethod(build_kadid10k)

    @needs_labels
    def test_kadid10k_is_higher_is_better(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "I01_01_01.png")
        assert row["quality"] == pytest.approx((4.57 - 1) / 4)
        assert (row["distortion_type"], row["level"], row["reference"]) == ("GBLUR", 1, "I01")
        listed = {Path(row["dis_img_path"]).name: row["dis_type"] for row in table("kadid10k/kadid10k.txt")}
        assert dict(zip(frame["image"], frame["distortion_type"], strict=True)) == listed
