"""LIVE: 982 rows of which 203 are copies of references."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from official_layout import (
    HAS_LABELS,
    LABELS,
    OfficialLayout,
    Rows,
    cells,
    needs_labels,
    row_of,
    settings,
    table,
    touch,
)
from scipy.io import savemat

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.dataset import load

LIVE_FOLDERS = {
    "jp2k": (227, 169),
    "jpeg": (233, 175),
    "wn": (174, 145),
    "gblur": (174, 145),
    "fastfading": (174, 145),
}


def live_rows() -> Rows:
    if HAS_LABELS:
        return table("live/live_realigned.txt")
    rows = []
    for kind, (count, distorted) in LIVE_FOLDERS.items():
        for place in range(distorted):
            reference = f"LIVE/refimgs/image{place % 29}.bmp"
            image = f"LIVE/{kind}/img{count - place}.bmp"
            rows.append({"dis_img_path": image, "ref_img_path": reference, "score": str(place / 2)})
    return rows


def build_live(folder: Path) -> None:
    rows = {row["dis_img_path"].removeprefix("LIVE/"): row for row in live_rows()}
    places = [f"{kind}/img{n}.bmp" for kind, (count, _) in LIVE_FOLDERS.items() for n in range(1, count + 1)]
    copies = [place not in rows for place in places]
    scores = [0.0 if place not in rows else float(rows[place]["score"]) for place in places]
    names = [Path(rows[p]["ref_img_path"]).name if p in rows else "bikes.bmp" for p in places]
    touch(folder, [*places, *(f"refimgs/{name}" for name in set(names))])
    savemat(
        folder / "dmos_realigned.mat",
        {"dmos_new": [scores], "orgs": [np.uint8(copies)], "dmos_std": [scores]},
    )
    savemat(folder / "refnames_all.mat", {"refnames_all": cells(names)})


class TestLive(OfficialLayout):
    layout = "live"
    images = 779
    contents = 29
    lower_is_better = True
    build = staticmethod(build_live)

    @needs_labels
    def test_live_drops_the_copies_and_flips_the_realigned_dmos(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "jp2k/img2.bmp")
        assert row["mos"] == pytest.approx(15.512954417537026)
        assert row["quality"] == pytest.approx((112 - 15.512954417537026) / 115)
        assert row["reference"] == "studentsculpture.bmp"
        assert row["distortion_type"] == "jp2k"
        counts = frame["distortion_type"].value_counts().to_dict()
        assert counts == {"jp2k": 169, "jpeg": 175, "wn": 145, "gblur": 145, "fastfading": 145}
        assert frame["mos"].min() == pytest.approx(-2.6400150164096132)
        assert frame["mos"].max() == pytest.approx(111.77469352631448)
        assert frame["quality"].nunique() == frame["mos"].nunique()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"dmos": [[1.0]]}, "no variable dmos_new; .* dmos"),
        ({"dmos_new": [[1.0]], "orgs": [[0]]}, "1 rows .* 982"),
    ],
)
def test_another_mat_file_is_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    touch(tmp_path, [f"{name}/x.bmp" for name in (*LIVE_FOLDERS, "refimgs")])
    savemat(tmp_path / "dmos_realigned.mat", content)
    savemat(tmp_path / "refnames_all.mat", {"refnames_all": cells(["a.bmp"])})
    with pytest.raises(MosforgeError, match=message):
        load("l", settings("live", tmp_path))


@pytest.mark.parametrize("data", [b"", b"not a matlab file at all"])
def test_a_file_that_is_no_mat_file_is_refused(tmp_path: Path, data: bytes) -> None:
    touch(tmp_path, [f"{name}/x.bmp" for name in (*LIVE_FOLDERS, "refimgs")])
    for name in ("dmos_realigned.mat", "refnames_all.mat"):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(MosforgeError, match=r"dmos_realigned\.mat: .*MATLAB"):
        load("l", settings("live", tmp_path))


@needs_labels
def test_a_matlab_7_3_file_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, [f"{name}/x.bmp" for name in (*LIVE_FOLDERS, "refimgs")])
    for name in ("dmos_realigned.mat", "refnames_all.mat"):
        shutil.copyfile(LABELS / "live/LIVEfullinfo.mat", tmp_path / name)
    with pytest.raises(MosforgeError, match=r"dmos_realigned\.mat: .*7\.3"):
        load("l", settings("live", tmp_path))
