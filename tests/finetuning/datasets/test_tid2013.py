"""TID2013: file names whose case varies, and label files that are damaged."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from official_layout import HAS_LABELS, LABELS, OfficialLayout, needs_labels, row_of, settings, touch

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.dataset import load


def build_tid2013(folder: Path) -> None:
    if HAS_LABELS:
        text = (LABELS / "tid2013/mos_with_names.txt").read_bytes().decode()
    else:
        names = [f"{c:02d}_{k:02d}_{n}.bmp" for c in range(1, 26) for k in range(1, 25) for n in range(1, 6)]
        text = "".join(f"{place % 9}.5 {'iI'[place % 2]}{name}\r\n" for place, name in enumerate(names))
    names = [line.split()[1] for line in text.splitlines()]
    # as released, the case on the disk is not that of the table
    touch(folder, (f"distorted_images/{name.lower()}" for name in names))
    touch(folder, (f"reference_images/I{number:02d}.BMP" for number in range(1, 25)))
    touch(folder, ["reference_images/i25.bmp"])
    (folder / "mos_with_names.txt").write_bytes(text.encode())


class TestTid2013(OfficialLayout):
    layout = "tid2013"
    images = 3000
    contents = 25
    build = staticmethod(build_tid2013)

    @needs_labels
    def test_tid2013_finds_files_of_another_case(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "I01_11_1.BMP")
        assert row["path"].endswith("distorted_images/i01_11_1.bmp")
        assert row["distortion_type"] == "JPEG2000 compression"
        row = row_of(frame, "i25_24_5.bmp")
        assert row["reference_path"].endswith("reference_images/i25.bmp")
        assert (row["mos"], row["reference"], row["level"]) == (2.77143, "I25", 5)
        assert row["quality"] == pytest.approx(2.77143 / 9)

    @pytest.fixture
    def tid(self, folder: Path, tmp_path: Path) -> Path:
        """TID2013 with a label file of its own; the images are linked."""
        for name in ("distorted_images", "reference_images"):
            (tmp_path / name).symlink_to(folder / name)
        shutil.copyfile(folder / "mos_with_names.txt", tmp_path / "mos_with_names.txt")
        return tmp_path

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("{score} {name}", "", "2999 images where tid2013 has 3000"),
            ("{score} {name}", "nan {name}", "the score of {name} is 'nan', which is not a number"),
            ("{score} {name}", "high {name}", "the score of {name} is 'high'"),
            ("{score} {name}", "9.2 {name}", "the score of {name}, 9.2, lies outside"),
            ("{score} {name}", "{score} i01_25_1.bmp", "'{score} i01_25_1.bmp' is not a score"),
            ("{score} {name}", "{score} {name}\r\n{score} {name}", "{name} has more than one row"),
            ("{score} {name}", "{score} i01_01_2.bmp", "i01_01_2.bmp has more than one row"),
        ],
    )
    def test_bad_labels_are_refused(self, tid: Path, old: str, new: str, message: str) -> None:
        file = tid / "mos_with_names.txt"
        text = file.read_bytes().decode()
        score, name = text.splitlines()[7].split()
        if "i01_01_2.bmp" in new:
            text = text.replace("I01_01_2.bmp", "i01_01_2.bmp")
        old, new, message = (part.format(score=score, name=name) for part in (old, new, message))
        assert old in text
        file.write_bytes(text.replace(old, new).encode())
        with pytest.raises(MosforgeError) as error:
            load("t", settings("tid2013", tid))
        assert message in str(error.value)

    def test_a_score_just_outside_is_clipped(self, tid: Path) -> None:
        file = tid / "mos_with_names.txt"
        score, name = file.read_text().splitlines()[0].split()
        file.write_text(file.read_text().replace(f"{score} {name}", f"9.05 {name}"))
        row = row_of(load("t", settings("tid2013", tid)), name)
        assert (row["mos"], row["quality"]) == (9.05, 1.0)

    def test_an_empty_image_counts_as_missing(self, tid: Path) -> None:
        (tid / "reference_images").unlink()
        touch(tid, (f"reference_images/I{number:02d}.BMP" for number in range(1, 26)))
        (tid / "reference_images/I07.BMP").write_bytes(b"")
        with pytest.raises(MosforgeError, match=r"1 of 25 references are missing or empty .*I07\.BMP"):
            load("t", settings("tid2013", tid))
