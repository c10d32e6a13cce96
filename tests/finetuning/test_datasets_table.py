"""A CSV of the user's own as a target dataset."""

import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets import load
from mosforge.finetuning.registry import layout_of, missing

BIQ2021 = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "biq2021"
OPTIONS = {"table": "labels.csv", "images": "pictures", "range": [0, 10], "higher_is_better": True}


def make(folder: Path, text: str, pictures: list[str]) -> Path:
    (folder / "pictures").mkdir(exist_ok=True)
    for name in pictures:
        (folder / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / name).write_bytes(b"x")
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, **options: Any) -> Any:
    return load("mine", "table", folder, OPTIONS | options)


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_names_references_and_parts(tmp_path: Path, delimiter: str) -> None:
    lines = [
        ["Image", "mos", "reference", "split", "note"],
        ["two words (1).JPG", "2.5", "cat", "train", "ü"],
        ["sub/b.png", "10", "dog", "test", ""],
        ["a.png", "0", "cat", "train", ""],
    ]
    text = "\ufeff" + "".join(delimiter.join(line) + "\r\n" for line in lines) + "\n"
    frame = read(make(tmp_path, text, ["two words (1).jpg", "sub/b.png", "a.png"]))
    assert frame["image"].tolist() == ["a.png", "sub/b.png", "two words (1).JPG"]
    assert frame["path"].iloc[2] == (tmp_path / "pictures/two words (1).jpg").as_posix()
    assert frame["reference"].tolist() == ["cat", "dog", "cat"]
    assert frame["part"].tolist() == ["train", "test", "train"]
    assert frame["quality"].tolist() == [0.0, 1.0, 0.25]
    assert frame["mos"].tolist() == [0.0, 10.0, 2.5]
    assert frame["reference_path"].isna().all()


def test_names_with_commas_and_names_that_look_like_values(tmp_path: Path) -> None:
    text = 'image,mos\n"a, b.png",1\nNA,2\n007,3\n'
    frame = read(make(tmp_path, text, ["a, b.png", "NA", "007"]))
    assert frame["image"].tolist() == ["007", "NA", "a, b.png"]
    assert frame["reference"].tolist() == frame["image"].tolist()
    assert frame["part"].isna().all()


def test_undistorted_pictures_are_found_and_keep_contents_together(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("dog.png", "cow.png"):
        (elsewhere / name).write_bytes(b"x")
    text = f"image,mos,Reference_Image\na.png,1,Cat.png\nb.png,2,Cat.png\nc.png,3,{elsewhere}/dog.png\n"
    names = ["a.png", "b.png", "c.png", "d.png", "e.png", "cat.png"]
    folder = make(tmp_path, text + "d.png,4,\ne.png,5,../elsewhere/cow.png\n", names)
    frame = read(folder)
    cat, dog = (tmp_path / "pictures/cat.png").as_posix(), (elsewhere / "dog.png").as_posix()
    assert frame["reference_path"].tolist()[:3] == [cat, cat, dog]
    assert frame["reference_path"].isna().tolist() == [False, False, False, True, False]
    assert Path(frame["reference_path"].iloc[4]).samefile(elsewhere / "cow.png")
    assert frame["reference"].tolist()[:4] == ["Cat.png", "Cat.png", dog, "d.png"]


@pytest.mark.parametrize(
    "rows",
    [
        "a.png,1,,Cat.png\nb.png,2,,cat.png\n",
        "a.png,1,,cat.png\nb.png,2,,../pictures/cat.png\n",
        "a.png,1,tom,cat.png\nb.png,2,tiger,cat.png\n",
        "a.png,1,tom,cat.png\nb.png,2,,cat.png\n",
    ],
)
def test_an_undistorted_picture_of_two_contents_is_told(tmp_path: Path, rows: str) -> None:
    text = "image,mos,reference,reference_image\n" + rows
    with pytest.raises(
        MosforgeError, match=r"is the undistorted picture of two contents, .*; call them alike"
    ):
        read(make(tmp_path, text, ["a.png", "b.png", "cat.png"]))


def test_names_are_found_however_their_accents_are_encoded(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    frame = read(make(tmp_path, f"image,mos\n{composed},1\n", [apart]))
    assert frame["path"].tolist() == [(tmp_path / "pictures" / apart).as_posix()]


def test_a_missing_undistorted_picture_is_told(tmp_path: Path) -> None:
    folder = make(tmp_path, "image,mos,reference_image\na.png,1,cat.png\n", ["a.png"])
    with pytest.raises(MosforgeError, match=r"1 of 1 references are missing or empty.*pictures/cat\.png"):
        read(folder)


def test_lower_is_better(tmp_path: Path) -> None:
    frame = read(make(tmp_path, "image,mos\na.png,2\n", ["a.png"]), higher_is_better=False)
    assert frame["quality"].tolist() == [0.8]


def test_pictures_beside_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make(tmp_path, "image,mos\npictures/a.png,2\n", ["a.png"]))
    options = {"table": "labels.csv", "range": [0.0, 10.0], "higher_is_better": True}
    assert load("mine", "table", Path(), options)["path"].tolist() == ["pictures/a.png"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,score\na.png,1\n", "labels.csv: there is no column image, mos; the columns are: name, score"),
        ("", "there is no column image, mos; the columns are: none"),
        ("image,mos\n", "its table has no picture"),
        ("image,mos\na.png,1\na.png,2\n", "a.png has more than one row"),
        ("image,mos\na.png,1\nA.png,2\n", "two rows name the file"),
        ("image,mos\na.png,\n", "the score of a.png is ''"),
        ("image,mos\na.png,inf\n", "the score of a.png is not a number"),
        ("image,mos\na.png,11\n", "the score of a.png, 11, lies outside the declared range [0, 10]"),
        ("image,mos\nb.png,1\n", "1 of 1 pictures are missing or empty"),
        ("image,mos\na, b.png,1\n", "line 2 has 3 cells where the header has 2"),
        ("image,mos,split\na.png,1,val\n", "the split of a.png is 'val'; it must be train, validation, test"),
        ("image;mos\na.png;1\n", "the columns are: image;mos; separate cells with commas or tabs"),
        ("image,mos,MOS\na.png,1,2\n", "there is more than one column mos; keep one"),
        ('image,mos\n"a.png,1\n' + "b.png,2\n" * 20_000, "see whether a quotation mark is never closed"),
        ("image,mos\n../a.png,1\n", "'../a.png' is not the name of a picture below"),
        ("image,mos\n/a.png,1\n", "'/a.png' is not the name of a picture below"),
    ],
)
def test_a_bad_table_is_told_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(MosforgeError) as error:
        read(make(tmp_path, text, ["a.png"]))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_in_another_encoding_is_told(tmp_path: Path) -> None:
    make(tmp_path, "", ["a.png"])
    (tmp_path / "labels.csv").write_bytes("image,mos\ncafé.png,1\n".encode("latin-1"))
    with pytest.raises(MosforgeError, match=r"labels\.csv: not a text file in UTF-8"):
        read(tmp_path)


def test_bad_options_are_told(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="the key range is missing"):
        layout_of("table", {"table": "x.csv"})
    with pytest.raises(MosforgeError, match=r"range \[1, 0\] must be the lowest, then the highest"):
        layout_of("table", OPTIONS | {"range": [1, 0]})


def test_what_is_missing(tmp_path: Path) -> None:
    assert missing("table", make(tmp_path, "", []), OPTIONS) is None
    told = missing("table", tmp_path, OPTIONS | {"table": "other.csv"})
    assert told == f"{tmp_path} lacks other.csv: put the CSV other.csv there and its pictures into pictures"


def test_the_registry_is_light() -> None:
    heavy = ["pandas", "numpy", "torch"]
    code = f"import sys, mosforge.finetuning.registry; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.skipif(not BIQ2021.is_dir(), reason="the shared BIQ2021 photographs are not here")
def test_biq2021() -> None:
    options = {"table": "labels.csv", "images": "images", "range": [0.0, 1.0], "higher_is_better": True}
    frame = load("biq2021", "table", BIQ2021, options)
    assert frame["part"].value_counts().to_dict() == {"train": 2250, "test": 750}
    assert frame.set_index("image").loc["ss01 (1004).jpg", "quality"] == 0.4869
