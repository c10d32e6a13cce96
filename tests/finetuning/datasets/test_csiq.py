"""CSIQ: a workbook, and file names that mix upper and lower case."""

import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from official_layout import HAS_LABELS, LABELS, OfficialLayout, needs_labels, row_of, settings, touch

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.dataset import load

CSIQ_WORDS = {
    "noise": "awgn/AWGN",
    "jpeg": "jpeg/JPEG",
    "jpeg 2000": "jpeg2000/jpeg2000",
    "fnoise": "fnoise/fnoise",
    "blur": "blur/BLUR",
    "contrast": "contrast/contrast",
}


def csiq_names() -> list[str]:
    if HAS_LABELS:
        return [line.split()[0] for line in (LABELS / "csiq/csiq_label.txt").read_text().splitlines()]
    names = []
    for content in ["1600", *(f"image{number}" for number in range(29))]:
        for word in ("AWGN", "JPEG", "jpeg2000", "fnoise", "BLUR"):
            names += [f"{content}.{word}.{level}.png" for level in range(1, 6)]
        names += [f"{content}.contrast.{level}.png" for level in range(1, 5)]
    return [name for name in names if name not in [f"image{n}.contrast.4.png" for n in range(4)]]


def build_csiq(folder: Path) -> None:
    place_of = {place.split("/")[1]: place.split("/")[0] for place in CSIQ_WORDS.values()}
    names = csiq_names()
    touch(folder, (f"dst_imgs/{place_of[name.split('.')[1]]}/{name}" for name in names))
    touch(folder, {f"src_imgs/{name.split('.')[0]}.png" for name in names})
    if HAS_LABELS:
        shutil.copyfile(LABELS / "csiq/csiq.beta.xlsx", folder / "csiq.DMOS.xlsx")
        return
    kind_of = {place.split("/")[1]: kind for kind, place in CSIQ_WORDS.items()}
    workbook = openpyxl.Workbook()
    sheet = workbook.create_sheet("all_by_image")
    lines = [["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]]
    for name in names:
        content, word, level, _ = name.split(".")
        lines.append(
            [
                int(content) if content == "1600" else content,
                1,
                kind_of[word],
                int(level),
                0.1,
                int(level) / 10,
            ]
        )
    for row, line in enumerate(lines, start=4):
        for column, value in enumerate(line, start=4):
            sheet.cell(row, column, value)
    workbook.save(folder / "csiq.DMOS.xlsx")


class TestCsiq(OfficialLayout):
    layout = "csiq"
    images = 866
    contents = 30
    lower_is_better = True
    build = staticmethod(build_csiq)

    @needs_labels
    def test_csiq_agrees_with_the_list_of_names_and_scores(self, frame: pd.DataFrame) -> None:
        listed = dict(line.split() for line in (LABELS / "csiq/csiq_label.txt").read_text().splitlines())
        assert set(frame["image"]) == set(listed)
        assert frame["mos"].to_numpy() == pytest.approx(
            [float(listed[image]) for image in frame["image"]], abs=1e-6
        )
        row = row_of(frame, "1600.AWGN.1.png")
        assert row["path"].endswith("dst_imgs/awgn/1600.AWGN.1.png")
        assert row["reference_path"].endswith("src_imgs/1600.png")
        assert row["quality"] == pytest.approx(1 - 0.061989, abs=1e-6)
        assert (row["distortion_type"], row["level"]) == ("noise", 1)

    def test_a_file_that_is_no_workbook_is_refused(self, folder: Path, tmp_path: Path) -> None:
        for name in ("src_imgs", "dst_imgs"):
            (tmp_path / name).symlink_to(folder / name)
        (tmp_path / "csiq.DMOS.xlsx").write_bytes(b"no")
        with pytest.raises(MosforgeError, match=r"csiq\.DMOS\.xlsx: the sheet all_by_image cannot be read"):
            load("c", settings("csiq", tmp_path))
        openpyxl.Workbook().save(tmp_path / "csiq.DMOS.xlsx")
        with pytest.raises(MosforgeError, match="the sheet all_by_image cannot be read"):
            load("c", settings("csiq", tmp_path))

    @pytest.mark.parametrize(("kind", "level"), [("jpg", 1), ("jpeg", "high"), ("jpeg", 1.5)])
    def test_another_type_or_level_is_refused(
        self, kind: str, level: object, folder: Path, tmp_path: Path
    ) -> None:
        for name in ("src_imgs", "dst_imgs"):
            (tmp_path / name).symlink_to(folder / name)
        workbook = openpyxl.Workbook()
        sheet = workbook.create_sheet("all_by_image")
        sheet.append(["image", "dst_type", "dst_lev", "dmos"])
        sheet.append(["image0", kind, level, 0.1])
        workbook.save(tmp_path / "csiq.DMOS.xlsx")
        with pytest.raises(MosforgeError, match=rf"csiq\.DMOS\.xlsx: type '{kind}' and level '{level}'"):
            load("c", settings("csiq", tmp_path))
