"""LIVE Challenge: seven images of practice come first."""

from pathlib import Path

import pandas as pd
import pytest
from official_layout import HAS_LABELS, LABELS, OfficialLayout, cells, needs_labels, row_of, touch
from scipy.io import savemat


def build_livec(folder: Path) -> None:
    if HAS_LABELS:
        lines = [line.split("\t") for line in (LABELS / "livec/clive_all.txt").read_text().splitlines()]
    else:
        lines = [[f"Images/{n}.{'bmp' if n % 2 else 'JPG'}", str(n / 12), "1"] for n in range(1162)]
    names = [f"t{number}.bmp" for number in range(1, 8)] + [line[0].removeprefix("Images/") for line in lines]
    scores = [50.0] * 7 + [float(line[1]) for line in lines]
    touch(folder, (f"Images/{name}" for name in names[7:]))
    touch(folder, (f"Images/trainingImages/{name}" for name in names[:7]))
    (folder / "Data").mkdir()
    savemat(folder / "Data/AllImages_release.mat", {"AllImages_release": cells(names).T})
    savemat(folder / "Data/AllMOS_release.mat", {"AllMOS_release": [scores]})


class TestLivec(OfficialLayout):
    layout = "livec"
    images = 1162
    contents = 1162
    build = staticmethod(build_livec)

    @needs_labels
    def test_livec_drops_the_practice_images(self, frame: pd.DataFrame) -> None:
        assert not frame["image"].str.startswith("t").any()
        row = row_of(frame, "611.JPG")
        assert row["mos"] == pytest.approx(38.489474)
        assert row["quality"] == pytest.approx(0.38489474)
        assert row["reference"] == "611.JPG"
        assert row["reference_path"] is None
