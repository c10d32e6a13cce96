"""The official layouts: real label tables where they are here, made ones of the same form elsewhere.

The folders hold every file of the release under its own name; each picture is one small real bitmap.
"""

import csv
import io
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat

from mosforge.errors import MosforgeError
from mosforge.finetuning.datasets import describe, load
from mosforge.finetuning.registry import LAYOUTS, Folder, missing
from mosforge.tables import read_table, write_table

LABELS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "labels"
HAS_LABELS = LABELS.is_dir()
needs_labels = pytest.mark.skipif(not HAS_LABELS, reason="the shared label tables are not here")

Rows = list[dict[str, str]]
Builder = Callable[[Path], None]


def _picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "BMP")
    return stream.getvalue()


PICTURE = _picture()


def touch(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PICTURE)


def table(name: str, **options: Any) -> Rows:
    with (LABELS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, **options))


def cells(values: Iterable[str]) -> "np.ndarray[Any, Any]":
    """A MATLAB cell array of strings."""
    listed = list(values)
    array = np.empty((1, len(listed)), dtype=object)
    array[0, :] = listed
    return array


# -- LIVE: 982 rows of which 203 are copies of references ----------------------------------------

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
            reference = f"LIVE/refimgs/picture{place % 29}.bmp"
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


# -- CSIQ ----------------------------------------------------------------------------------------

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
    for content in ["1600", *(f"picture{number}" for number in range(29))]:
        for word in ("AWGN", "JPEG", "jpeg2000", "fnoise", "BLUR"):
            names += [f"{content}.{word}.{level}.png" for level in range(1, 6)]
        names += [f"{content}.contrast.{level}.png" for level in range(1, 5)]
    return [name for name in names if name not in [f"picture{n}.contrast.4.png" for n in range(4)]]


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


# -- TID2013, LIVEC, KonIQ-10k, KADID-10k --------------------------------------------------------


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


def koniq_rows() -> Rows:
    if HAS_LABELS:
        return table("koniq10k/koniq10k_distributions_sets.csv")
    parts = ["training"] * 7058 + ["validation"] * 1000 + ["test"] * 2015
    rows = enumerate(parts)
    return [{"image_name": f"{n}.jpg", "SD": "0.5", "MOS": str(n / 101), "set": part} for n, part in rows]


def write_csv(file: Path, rows: Rows) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def build_koniq10k(folder: Path) -> None:
    rows = koniq_rows()
    touch(folder, (f"512x384/{row['image_name']}" for row in rows))
    write_csv(folder / "koniq10k_distributions_sets.csv", rows)


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


BUILDERS: dict[str, Builder] = {
    "live": build_live,
    "csiq": build_csiq,
    "tid2013": build_tid2013,
    "livec": build_livec,
    "koniq10k": build_koniq10k,
    "kadid10k": build_kadid10k,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for layout, build in BUILDERS.items():
        made[layout] = tmp_path_factory.mktemp(layout)
        build(made[layout])
    return made


@pytest.fixture(scope="module")
def frames(folders: dict[str, Path]) -> dict[str, pd.DataFrame]:
    return {layout: load(layout, layout, folder) for layout, folder in folders.items()}


def row_of(frame: pd.DataFrame, image: str) -> dict[str, Any]:
    found: dict[str, Any] = frame.set_index("image").loc[image].to_dict()
    return found


# -- what holds for each -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "images", "contents"),
    [
        ("live", 779, 29),
        ("csiq", 866, 30),
        ("tid2013", 3000, 25),
        ("livec", 1162, 1162),
        ("koniq10k", 10073, 10073),
        ("kadid10k", 10125, 81),
    ],
)
def test_published_counts(frames: dict[str, pd.DataFrame], layout: str, images: int, contents: int) -> None:
    frame = frames[layout]
    assert (len(frame), frame["image"].nunique(), frame["path"].nunique()) == (images, images, images)
    assert frame["reference"].nunique() == contents
    assert frame["image"].tolist() == sorted(frame["image"])


@pytest.mark.parametrize("layout", BUILDERS)
def test_files_exist_and_quality_runs_with_the_declared_direction(
    frames: dict[str, pd.DataFrame], layout: str
) -> None:
    frame = frames[layout]
    assert all(Path(path).is_file() for path in frame["path"])
    assert all(Path(path).is_file() for path in frame["reference_path"].dropna())
    assert frame["quality"].between(0, 1).all()
    ranks = np.corrcoef(frame["mos"], frame["quality"])[0, 1]
    assert ranks == pytest.approx(-1 if layout in ("live", "csiq") else 1)


@pytest.mark.parametrize("layout", BUILDERS)
def test_the_frame_is_the_artefact(frames: dict[str, pd.DataFrame], layout: str, tmp_path: Path) -> None:
    write_table(tmp_path / "d.parquet", "dataset", frames[layout], stage="finetuning", cfg={})
    stored = read_table(tmp_path / "d.parquet", "dataset")
    assert stored["image"].tolist() == frames[layout]["image"].tolist()
    assert stored["level"].isna().tolist() == frames[layout]["level"].isna().tolist()


@pytest.mark.parametrize("layout", BUILDERS)
def test_a_missing_picture_is_named(
    folders: dict[str, Path], frames: dict[str, pd.DataFrame], layout: str
) -> None:
    path = Path(frames[layout]["path"].iloc[5])
    hidden = path.rename(path.with_name("elsewhere"))
    try:
        with pytest.raises(
            MosforgeError, match=rf"dataset x: 1 of \d+ pictures are missing .*(?i:{path.stem})"
        ) as told:
            load("x", layout, folders[layout])
        assert "\n" not in str(told.value)
    finally:
        hidden.rename(path)


@pytest.mark.parametrize("layout", BUILDERS)
def test_what_is_missing_is_told_with_the_address(
    folders: dict[str, Path], layout: str, tmp_path: Path
) -> None:
    assert missing(layout, folders[layout]) is None
    told = missing(layout, tmp_path / "nowhere")
    assert told is not None
    assert f"{tmp_path}/nowhere is missing" in told
    assert "https://" in told
    told = missing(layout, tmp_path)
    assert told is not None
    assert LAYOUTS[layout].required[0][0] in told


@pytest.mark.parametrize("layout", BUILDERS)
def test_the_description_says_what_was_found(frames: dict[str, pd.DataFrame], layout: str) -> None:
    told = describe(layout, frames[layout], LAYOUTS[layout])
    assert told["images"] == LAYOUTS[layout].images
    official = "train 7058, validation 1000, test 2015" if layout == "koniq10k" else "none"
    assert told["official_split"] == official


# -- what is particular: values read off the label tables by hand --------------------------------


@needs_labels
def test_live_drops_the_copies_and_flips_the_realigned_dmos(frames: dict[str, pd.DataFrame]) -> None:
    row = row_of(frames["live"], "jp2k/img2.bmp")
    assert row["mos"] == pytest.approx(15.512954417537026)
    assert row["quality"] == pytest.approx((112 - 15.512954417537026) / 115)
    assert row["reference"] == "studentsculpture.bmp"
    assert row["distortion_type"] == "jp2k"
    counts = frames["live"]["distortion_type"].value_counts().to_dict()
    assert counts == {"jp2k": 169, "jpeg": 175, "wn": 145, "gblur": 145, "fastfading": 145}
    assert frames["live"]["mos"].min() == pytest.approx(-2.6400150164096132)
    assert frames["live"]["mos"].max() == pytest.approx(111.77469352631448)
    assert frames["live"]["quality"].nunique() == frames["live"]["mos"].nunique()


@needs_labels
def test_csiq_agrees_with_the_list_of_names_and_scores(frames: dict[str, pd.DataFrame]) -> None:
    listed = dict(line.split() for line in (LABELS / "csiq/csiq_label.txt").read_text().splitlines())
    frame = frames["csiq"]
    assert set(frame["image"]) == set(listed)
    assert frame["mos"].to_numpy() == pytest.approx(
        [float(listed[image]) for image in frame["image"]], abs=1e-6
    )
    row = row_of(frame, "1600.AWGN.1.png")
    assert row["path"].endswith("dst_imgs/awgn/1600.AWGN.1.png")
    assert row["reference_path"].endswith("src_imgs/1600.png")
    assert row["quality"] == pytest.approx(1 - 0.061989, abs=1e-6)
    assert (row["distortion_type"], row["level"]) == ("noise", 1)


@needs_labels
def test_tid2013_finds_files_of_another_case(frames: dict[str, pd.DataFrame]) -> None:
    row = row_of(frames["tid2013"], "I01_11_1.BMP")
    assert row["path"].endswith("distorted_images/i01_11_1.bmp")
    assert row["distortion_type"] == "JPEG2000 compression"
    row = row_of(frames["tid2013"], "i25_24_5.bmp")
    assert row["reference_path"].endswith("reference_images/i25.bmp")
    assert (row["mos"], row["reference"], row["level"]) == (2.77143, "I25", 5)
    assert row["quality"] == pytest.approx(2.77143 / 9)


@needs_labels
def test_livec_drops_the_practice_pictures(frames: dict[str, pd.DataFrame]) -> None:
    assert not frames["livec"]["image"].str.startswith("t").any()
    row = row_of(frames["livec"], "611.JPG")
    assert row["mos"] == pytest.approx(38.489474)
    assert row["quality"] == pytest.approx(0.38489474)
    assert row["reference"] == "611.JPG"
    assert row["reference_path"] is None


@needs_labels
def test_koniq10k_has_the_official_split(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["koniq10k"]
    assert frame["part"].value_counts().to_dict() == {"train": 7058, "validation": 1000, "test": 2015}
    row = row_of(frame, "10004473376.jpg")
    assert (row["mos"], row["part"]) == (77.3836206897, "train")
    assert row["quality"] == pytest.approx(0.773836206897)


@needs_labels
def test_kadid10k_is_higher_is_better(frames: dict[str, pd.DataFrame]) -> None:
    row = row_of(frames["kadid10k"], "I01_01_01.png")
    assert row["quality"] == pytest.approx((4.57 - 1) / 4)
    assert (row["distortion_type"], row["level"], row["reference"]) == ("GBLUR", 1, "I01")
    listed = {Path(row["dis_img_path"]).name: row["dis_type"] for row in table("kadid10k/kadid10k.txt")}
    assert (
        dict(zip(frames["kadid10k"]["image"], frames["kadid10k"]["distortion_type"], strict=True)) == listed
    )


def test_koniq10k_without_a_split_takes_the_column_on_0_to_100(tmp_path: Path) -> None:
    rows = [
        {"image_name": row["image_name"], "MOS": "3.1", "SD": row["SD"], "MOS_zscore": row["MOS"]}
        for row in koniq_rows()
    ]
    touch(tmp_path, (f"1024x768/{row['image_name']}" for row in rows))
    write_csv(tmp_path / "koniq10k_scores_and_distributions.csv", rows)
    frame = load("k", "koniq10k", tmp_path)
    assert frame["part"].isna().all()
    first = rows[0]
    assert row_of(frame, first["image_name"])["mos"] == float(first["MOS_zscore"])
    write_csv(tmp_path / "koniq10k_scores_and_distributions.csv", [{"image_name": "a.jpg", "MOS": "3.1"}])
    with pytest.raises(
        MosforgeError, match="there is no column MOS_zscore; the columns are: image_name, MOS"
    ):
        load("k", "koniq10k", tmp_path)


# -- damaged releases ----------------------------------------------------------------------------


@pytest.fixture
def tid(folders: dict[str, Path], tmp_path: Path) -> Path:
    """TID2013 with a label file of its own; the pictures are linked."""
    for name in ("distorted_images", "reference_images"):
        (tmp_path / name).symlink_to(folders["tid2013"] / name)
    shutil.copyfile(folders["tid2013"] / "mos_with_names.txt", tmp_path / "mos_with_names.txt")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{score} {name}", "", "2999 pictures where tid2013 has 3000"),
        ("{score} {name}", "nan {name}", "the score of {name} is not a number"),
        ("{score} {name}", "high {name}", "the score of {name} is 'high'"),
        ("{score} {name}", "9.2 {name}", "the score of {name}, 9.2, lies outside the declared range [0, 9]"),
        (
            "{score} {name}",
            "{score} i01_25_1.bmp",
            "'{score} i01_25_1.bmp' is not a score and a picture's name",
        ),
        ("{score} {name}", "{score} {name}\r\n{score} {name}", "{name} has more than one row"),
        ("{score} {name}", "{score} i01_01_2.bmp", "i01_01_2.bmp has more than one row"),
    ],
)
def test_bad_labels_are_told(tid: Path, old: str, new: str, told: str) -> None:
    file = tid / "mos_with_names.txt"
    text = file.read_bytes().decode()
    score, name = text.splitlines()[7].split()
    if "i01_01_2.bmp" in new:
        text = text.replace("I01_01_2.bmp", "i01_01_2.bmp")
    old, new, told = (part.format(score=score, name=name) for part in (old, new, told))
    assert old in text
    file.write_bytes(text.replace(old, new).encode())
    with pytest.raises(MosforgeError) as error:
        load("t", "tid2013", tid)
    assert told in str(error.value)


def test_a_score_just_outside_is_clipped(tid: Path) -> None:
    file = tid / "mos_with_names.txt"
    score, name = file.read_text().splitlines()[0].split()
    file.write_text(file.read_text().replace(f"{score} {name}", f"9.05 {name}"))
    row = row_of(load("t", "tid2013", tid), name)
    assert (row["mos"], row["quality"]) == (9.05, 1.0)


def test_an_empty_picture_counts_as_missing(tid: Path) -> None:
    (tid / "reference_images").unlink()
    touch(tid, (f"reference_images/I{number:02d}.BMP" for number in range(1, 26)))
    (tid / "reference_images/I07.BMP").write_bytes(b"")
    with pytest.raises(MosforgeError, match=r"1 of 25 references are missing or empty .*I07\.BMP"):
        load("t", "tid2013", tid)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"dmos": [[1.0]]}, "there is no variable dmos_new; the variables are: dmos"),
        ({"dmos_new": [[1.0]], "orgs": [[0]]}, "1 rows where LIVE has 982"),
    ],
)
def test_another_mat_file_is_told(tmp_path: Path, content: dict[str, Any], told: str) -> None:
    touch(tmp_path, [f"{name}/x.bmp" for name in (*LIVE_FOLDERS, "refimgs")])
    savemat(tmp_path / "dmos_realigned.mat", content)
    savemat(tmp_path / "refnames_all.mat", {"refnames_all": cells(["a.bmp"])})
    with pytest.raises(MosforgeError, match=told):
        load("l", "live", tmp_path)


@pytest.mark.parametrize("data", [b"", b"not a matlab file at all"])
def test_what_is_no_mat_file_is_told(tmp_path: Path, data: bytes) -> None:
    touch(tmp_path, [f"{name}/x.bmp" for name in (*LIVE_FOLDERS, "refimgs")])
    for name in ("dmos_realigned.mat", "refnames_all.mat"):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(MosforgeError, match=r"dmos_realigned\.mat: not a MATLAB file"):
        load("l", "live", tmp_path)


@needs_labels
def test_a_matlab_7_3_file_is_told(tmp_path: Path) -> None:
    touch(tmp_path, [f"{name}/x.bmp" for name in (*LIVE_FOLDERS, "refimgs")])
    for name in ("dmos_realigned.mat", "refnames_all.mat"):
        shutil.copyfile(LABELS / "live/LIVEfullinfo.mat", tmp_path / name)
    with pytest.raises(MosforgeError, match=r"dmos_realigned\.mat: a MATLAB 7\.3 file"):
        load("l", "live", tmp_path)


def test_a_workbook_that_is_none_is_told(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("src_imgs", "dst_imgs"):
        (tmp_path / name).symlink_to(folders["csiq"] / name)
    (tmp_path / "csiq.DMOS.xlsx").write_bytes(b"no")
    with pytest.raises(MosforgeError, match=r"csiq\.DMOS\.xlsx: the sheet all_by_image cannot be read"):
        load("c", "csiq", tmp_path)
    openpyxl.Workbook().save(tmp_path / "csiq.DMOS.xlsx")
    with pytest.raises(MosforgeError, match="the sheet all_by_image cannot be read"):
        load("c", "csiq", tmp_path)


def test_a_name_in_its_very_case_wins(tmp_path: Path) -> None:
    for name in ("b/X.png", "b/x.png", "B2/y.png"):
        touch(tmp_path, [name])
    folder = Folder(tmp_path)
    assert folder.find("b/x.png") == tmp_path / "b/x.png"
    assert folder.find("B/x.PNG") == tmp_path / "b/X.png"
    assert folder.find("b2/Y.PNG") == tmp_path / "B2/y.png"
    assert folder.find("b/z.png") is None
    assert folder.find("b/x.png/deeper") is None


def test_an_unknown_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="layout spaq: there is no such layout; use live, csiq"):
        load("s", "spaq", tmp_path)
