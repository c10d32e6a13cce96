"""The official layouts whose label tables are made here, in the form of the releases."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from official_layout import OfficialLayout, cells, row_of, settings, touch, write_csv
from scipy.io import savemat

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.dataset import load


def build_spaq(folder: Path) -> None:
    names = [f"{number:05d}.jpg" for number in range(1, 11126)]
    touch(folder, (f"TestImage/{name}" for name in names))
    scores = np.linspace(0, 100, len(names)).round(2)
    table = pd.DataFrame({"Image name": names, "MOS": scores, "Brightness": 50, "Sharpness": 50})
    (folder / "Annotations").mkdir()
    table.to_excel(folder / "Annotations/MOS and Image attribute scores.xlsx", index=False)


class TestSpaq(OfficialLayout):
    layout = "spaq"
    images = contents = 11125
    build = staticmethod(build_spaq)

    def test_the_score_is_that_of_the_image(self, frame: pd.DataFrame) -> None:
        assert row_of(frame, "00001.jpg")["quality"] == 0
        assert row_of(frame, "11125.jpg")["mos"] == 100


def build_pipal(folder: Path) -> None:
    counts = (12, 16, 10, 24, 13, 14, 27)  # images of each type for a reference image: 116
    (folder / "Train_Label").mkdir()
    for place in range(200):
        content = f"A{place + 1:04d}"
        names = [
            f"{content}_{kind:02d}_{n:02d}.bmp" for kind, count in enumerate(counts) for n in range(count)
        ]
        lines = [f"{name},{1200 + n + place}" for n, name in enumerate(names)]
        (folder / "Train_Label" / f"{content}.txt").write_text("\n".join(lines))
        touch(folder, [f"Train_Ref/{content}.bmp", *(f"Distortion_{place // 50 + 1}/{n}" for n in names)])


class TestPipal(OfficialLayout):
    layout = "pipal"
    images = 23200
    contents = 200
    build = staticmethod(build_pipal)

    def test_the_four_archives_are_found(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "A0200_04_00.bmp")
        assert row["path"].endswith("Distortion_4/A0200_04_00.bmp")
        assert row["reference_path"].endswith("Train_Ref/A0200.bmp")
        assert row["distortion_type"] == "super-resolution by GAN"
        assert row["mos"] == 1200 + 62 + 199


def build_tid2008(folder: Path) -> None:
    names = [
        f"{'i' if kind in (4, 9) else 'I'}{content:02d}_{kind:02d}_{level}.bmp"
        for content in range(1, 26)
        for kind in range(1, 18)
        for level in range(1, 5)
    ]
    touch(folder, (f"distorted_images/{name}" for name in names))
    touch(folder, (f"reference_images/I{content:02d}.BMP" for content in range(1, 26)))
    lines = [f"{9 * number / len(names):.4f} {name}" for number, name in enumerate(names)]
    (folder / "mos_with_names.txt").write_text("\n".join(lines))


class TestTid2008(OfficialLayout):
    layout = "tid2008"
    images = 1700
    contents = 25
    build = staticmethod(build_tid2008)

    def test_types_and_levels(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "I02_10_4.bmp")
        assert (row["distortion_type"], row["level"]) == ("JPEG compression", 4)


_SETS = {"I": 14, "II": 13, "III": 13, "IV": 13, "V": 13, "VI": 13}
"""Images of each of the six scenes of a set: 474 in all."""


def build_cid2013(folder: Path) -> None:
    names = [
        f"IS_{name}_C{scene:02d}_D{n:02d}"
        for name, count in _SETS.items()
        for scene in range(1, 7)
        for n in range(1, count + 1)
    ]
    places = {name: place for place, name in enumerate(_SETS, start=1)}
    touch(folder, (f"IS{places[n.split('_')[1]]}/co{int(n.split('_')[2][1:])}/{n}.jpg" for n in names))
    scores = np.linspace(-9.5, 90, len(names))
    with pd.ExcelWriter(folder / "CID2013 data - version 12112014.xlsx") as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="Readme", index=False)
        table = pd.DataFrame({"Source_ID": names, "MOS": 50.0, "Realigned MOS": scores})
        table.to_excel(book, sheet_name="CID2013 MOS", index=False)


class TestCid2013(OfficialLayout):
    layout = "cid2013"
    images = 474
    contents = 36
    build = staticmethod(build_cid2013)

    def test_the_realigned_score_is_taken_and_a_scene_is_a_content(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "IS6/co6/IS_VI_C06_D13.jpg")
        assert (row["mos"], row["reference"]) == (90, "IS6/co6")
        assert frame["mos"].min() == -9.5


def livemd_names(second: str) -> list[str]:
    blurs, others = [f"blur{n}" for n in (1, 2, 3)], [f"{second}{n}" for n in (1, 2, 3)]
    kinds = [*blurs, *others, *(f"{one}_{other}" for one in blurs for other in others)]
    return [f"content{c}_{kind}.bmp" for c in range(15) for kind in kinds]


def build_livemd(folder: Path) -> None:
    for part, images, second in (("Part 1", "blurjpeg", "jpeg"), ("Part 2", "blurnoise", "noise")):
        names = livemd_names(second)
        touch(folder, (f"{part}/{images}/{name}" for name in names))
        touch(folder, (f"{part}/{images}/content{c}.bmp" for c in range(15)))
        savemat(folder / part / "Imagelists.mat", {"distimgs": cells(names)})
        savemat(folder / part / "Scores.mat", {"DMOSscores": np.linspace(5, 85, len(names))[None]})


class TestLiveMd(OfficialLayout):
    layout = "livemd"
    images = 450
    contents = 15
    lower_is_better = True
    build = staticmethod(build_livemd)

    def test_both_parts_share_their_contents(self, frame: pd.DataFrame) -> None:
        row = row_of(frame, "Part 2/content3_blur1_noise2.bmp")
        assert (row["reference"], row["distortion_type"]) == ("content3", "blur_noise")
        assert row["reference_path"].endswith("Part 2/blurnoise/content3.bmp")
        assert frame.loc[frame["reference"] == "content3", "image"].str[:6].nunique() == 2


def build_biq2021(folder: Path) -> None:
    for part, count in (("Train", 10000), ("Test", 2000)):
        names = [f"{part.lower()} ({n}).jpg" for n in range(count)]
        touch(folder, (f"Images/{name}" for name in names))
        rows = [{"Image Name": name, "MOS": f"{n / count:.4f}", "SD": ".1"} for n, name in enumerate(names)]
        write_csv(folder / f"{part} (Images and MOS).csv", rows)


class TestBiq2021(OfficialLayout):
    layout = "biq2021"
    images = contents = 12000
    official_split = "train 10000, test 2000"
    build = staticmethod(build_biq2021)

    def test_the_official_split(self, frame: pd.DataFrame) -> None:
        assert row_of(frame, "test (7).jpg")["part"] == "test"


def small(
    layout: str, folder: Path, scores: str, rows: list[dict[str, str]], files: list[str]
) -> pd.DataFrame:
    touch(folder, files)
    write_csv(folder / scores, rows)
    return load(layout, settings(layout, folder))


@pytest.mark.parametrize("below", ["database/", ""])
def test_flive_finds_its_images_in_both_places(tmp_path: Path, below: str) -> None:
    rows = [{"name": f"voc/{n}.jpg", "mos": str(20 + n), "zscore": "0"} for n in range(3)]
    files = [f"{below}{row['name']}" for row in rows]
    frame = small("flive", tmp_path, "labels_image.csv", rows, files)
    assert frame["quality"].tolist() == pytest.approx([0.2, 0.21, 0.22])


def test_agiqa3k_takes_the_score_of_quality_and_the_prompt_as_content(tmp_path: Path) -> None:
    rows = [
        {
            "name": f"m_{n:04d}.jpg",
            "prompt": f"a cat {n // 2}",
            "mos_quality": str(5 * n / 2982),
            "mos_align": "0",
        }
        for n in range(2982)
    ]
    frame = small("agiqa3k", tmp_path, "data.csv", rows, [f"images/{row['name']}" for row in rows])
    assert frame["reference"].nunique() == 1491
    assert frame["quality"].max() == pytest.approx(2981 / 2982)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    touch(tmp_path, ["TestImage/00001.jpg"])
    file = tmp_path / "Annotations/MOS and Image attribute scores.xlsx"
    file.parent.mkdir()
    pd.DataFrame({"Image name": ["00001.jpg"], "Mean": [50.0]}).to_excel(file, index=False)
    with pytest.raises(MosforgeError, match="no column MOS; the columns are: image name, mean"):
        load("spaq", settings("spaq", tmp_path))


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path) -> None:
    build_cid2013(tmp_path)
    file = tmp_path / "CID2013 data - version 12112014.xlsx"
    pd.DataFrame({"x": [1]}).to_excel(file, sheet_name="Readme", index=False)
    with pytest.raises(MosforgeError, match="the sheet CID2013 MOS cannot be read"):
        load("cid2013", settings("cid2013", tmp_path))
