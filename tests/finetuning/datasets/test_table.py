"""A CSV of the user's own as a target dataset."""

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.tables import Frame
from mosforge.finetuning.dataset import load
from mosforge.finetuning.settings import DatasetSettings

BIQ2021 = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "biq2021"
OPTIONS = {"table": "labels.csv", "images": "images", "range": [0, 10], "higher_is_better": True}


def make(folder: Path, text: str, images: list[str]) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    for name in images:
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / name).write_bytes(b"x")
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, **options: Any) -> Frame:
    return load("mine", DatasetSettings(layout="table", folder=folder.as_posix(), **OPTIONS | options))


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_names_references_and_parts(tmp_path: Path, delimiter: str) -> None:
    lines = [
        ["Image", "mos", "reference", "split", "note", "group"],
        ["two words (1).JPG", "2.5", "cat", "train", "ü", "phone"],
        ["sub/b.png", "10", "dog", "test", "", ""],
        ["a.png", "0", "cat", "train", "", "phone"],
    ]
    text = "\ufeff" + "".join(delimiter.join(line) + "\r\n" for line in lines) + "\n"
    frame = read(make(tmp_path, text, ["two words (1).jpg", "sub/b.png", "a.png"]))
    assert frame["image"].tolist() == ["a.png", "sub/b.png", "two words (1).JPG"]
    assert frame["path"].iloc[2] == (tmp_path / "images/two words (1).jpg").as_posix()
    assert frame["reference"].tolist() == ["cat", "dog", "cat"]
    assert frame["part"].tolist() == ["train", "test", "train"]
    assert frame["quality"].tolist() == [0.0, 1.0, 0.25]
    assert frame["mos"].tolist() == [0.0, 10.0, 2.5]
    assert frame["reference_path"].isna().all()
    assert frame["distortion_type"].fillna("none").tolist() == ["phone", "none", "phone"]


def test_names_with_commas_and_names_that_look_like_values(tmp_path: Path) -> None:
    text = 'image,mos\n"a, b.png",1\nNA,2\n007,3\n'
    frame = read(make(tmp_path, text, ["a, b.png", "NA", "007"]))
    assert frame["image"].tolist() == ["007", "NA", "a, b.png"]
    assert frame["reference"].tolist() == frame["image"].tolist()
    assert frame["part"].isna().all()


def test_reference_images_are_found_and_keep_contents_together(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("dog.png", "cow.png"):
        (elsewhere / name).write_bytes(b"x")
    text = f"image,mos,Reference_Image\na.png,1,Cat.png\nb.png,2,Cat.png\nc.png,3,{elsewhere}/dog.png\n"
    names = ["a.png", "b.png", "c.png", "d.png", "e.png", "cat.png"]
    folder = make(tmp_path, text + "d.png,4,\ne.png,5,../elsewhere/cow.png\n", names)
    frame = read(folder)
    cat, dog = (tmp_path / "images/cat.png").as_posix(), (elsewhere / "dog.png").as_posix()
    assert frame["reference_path"].tolist()[:3] == [cat, cat, dog]
    assert frame["reference_path"].isna().tolist() == [False, False, False, True, False]
    assert Path(frame["reference_path"].iloc[4]).samefile(elsewhere / "cow.png")
    assert frame["reference"].tolist()[:4] == ["Cat.png", "Cat.png", dog, "d.png"]


@pytest.mark.parametrize(
    "rows",
    [
        "a.png,1,,Cat.png\nb.png,2,,cat.png\n",
        "a.png,1,,cat.png\nb.png,2,,../images/cat.png\n",
        "a.png,1,tom,cat.png\nb.png,2,tiger,cat.png\n",
        "a.png,1,tom,cat.png\nb.png,2,,cat.png\n",
    ],
)
def test_a_reference_image_of_two_contents_is_refused(tmp_path: Path, rows: str) -> None:
    text = "image,mos,reference,reference_image\n" + rows
    with pytest.raises(MosforgeError, match=r"cat\.png is the reference image of two contents"):
        read(make(tmp_path, text, ["a.png", "b.png", "cat.png"]))


def test_images_and_reference_images_may_lie_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("a.png", "b.png", "original.png"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(b"x")
    rows = [f"{home}/a.png,1,{home}/original.png", "~/b.png,2,~/original.png", "../home/b.png,3,"]
    frame = read(make(tmp_path, "image,mos,reference_image\n" + "\n".join(rows[:2]) + "\n", []))
    assert frame["path"].tolist() == [f"{home}/a.png", f"{home}/b.png"]
    assert set(frame["reference_path"]) == {f"{home}/original.png"}
    # names become paths below the results, which must not lead out of them
    assert frame["image"].tolist() == [f"{home}/a.png"[1:], f"{home}/b.png"[1:]]
    frame = read(make(tmp_path, "image,mos,reference_image\n" + rows[2] + "\n", []))
    assert frame["image"].tolist() == ["_/home/b.png"]
    assert Path(frame["path"].iloc[0]).samefile(home / "b.png")


def test_columns_that_are_not_used_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "image,mos,ref,std,Splits,reference_imag\na.png,1,x,0.5,train,\n"
    read(make(tmp_path, text, ["a.png"]))
    named = dict(re.findall(r"the column '(\w+)' is not used; (.*)", caplog.text))
    assert named == {
        "ref": "did you mean 'reference'?",
        "std": "known are image, mos, reference, reference_image, split, group",
        "splits": "did you mean 'split'?",
        "reference_imag": "did you mean 'reference_image'?",
    }
    assert "labels.csv" in caplog.text
    caplog.clear()
    read(make(tmp_path, "image,mos,reference,refs\na.png,1,x,0.5\n", ["a.png"]))
    assert "'refs' is not used; known" in caplog.text, "the column that it is like is there"


def test_names_are_found_however_their_accents_are_encoded(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    frame = read(make(tmp_path, f"image,mos\n{composed},1\n", [apart]))
    assert frame["path"].tolist() == [(tmp_path / "images" / apart).as_posix()]


def test_a_missing_reference_image_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path, "image,mos,reference_image\na.png,1,cat.png\n", ["a.png"])
    with pytest.raises(MosforgeError, match=r"1 of 1 references .*images/cat\.png"):
        read(folder)


def test_lower_is_better(tmp_path: Path) -> None:
    frame = read(make(tmp_path, "image,mos\na.png,2\n", ["a.png"]), higher_is_better=False)
    assert frame["quality"].tolist() == [0.8]


def test_images_beside_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make(tmp_path, "image,mos\nimages/a.png,2\n", ["a.png"]))
    assert read(Path(), images=None)["path"].tolist() == ["images/a.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,score\na.png,1\n", "labels.csv: there is no column image, mos"),
        ("", "the columns are: none"),
        ("image,mos\n", "no image"),
        ("image,mos\na.png,1\na.png,2\n", "a.png has more than one row"),
        ("image,mos\na.png,1\nA.png,2\n", "two rows name the file"),
        ("image,mos\na.png,\n", "the score of a.png is ''"),
        ("image,mos\na.png,inf\n", "the score of a.png is 'inf', which is not a number"),
        ("image,mos\na.png,11\n", "the score of a.png, 11, lies outside the declared range [0, 10]"),
        ("image,mos\nb.png,1\n", "1 of 1 images are missing"),
        ("image,mos\na, b.png,1\n", "line 2 has 3 cells where the header has 2"),
        ("image,mos,split\na.png,1,val\n", "the split of a.png is 'val'"),
        ("image;mos\na.png;1\n", "separate cells with commas or tabs"),
        ("image,mos,MOS\na.png,1,2\n", "more than one column mos"),
        ('image,mos\n"a.png,1\n' + "b.png,2\n" * 20_000, "quotation mark"),
        ("image,mos\n..,1\n", "'..' is not the name of an image"),
        ("image,mos\n/,1\n", "'/' is not the name of an image"),
        ("image,mos\n/nowhere/a.png,1\n", "the first is /nowhere/a.png"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MosforgeError) as error:
        read(make(tmp_path, text, ["a.png"]))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "", ["a.png"])
    (tmp_path / "labels.csv").write_bytes("image,mos\ncafé.png,1\n".encode("latin-1"))
    with pytest.raises(MosforgeError, match=r"labels\.csv: .*UTF-8"):
        read(tmp_path)


@pytest.mark.skipif(not BIQ2021.is_dir(), reason="the shared BIQ2021 images are not at hand")
def test_biq2021() -> None:
    frame = read(BIQ2021, range=[0.0, 1.0])
    assert frame["part"].value_counts().to_dict() == {"train": 2250, "test": 750}
    assert frame.set_index("image").loc["ss01 (1004).jpg", "quality"] == 0.4869


@pytest.mark.parametrize("name", ["sub\\b.png", "C:\\Users\\me\\b.png", "\\\\server\\share\\b.png"])
@pytest.mark.parametrize("column", ["image", "reference_image"])
def test_a_path_of_windows_is_named(tmp_path: Path, name: str, column: str) -> None:
    row = f"{name},1," if column == "image" else f"a.png,1,{name}"
    make(tmp_path, f"image,mos,reference_image\n{row}\n", ["a.png", "sub/b.png"])
    with pytest.raises(MosforgeError, match="path of Windows; write it with /"):
        read(tmp_path)


def test_a_score_with_an_underscore_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="'1_0', which is not a number"):
        read(make(tmp_path, "image,mos\na.png,1_0\n", ["a.png"]))


@pytest.mark.parametrize("twin", ["sub/../a.png", "link.png", "hard.png"])
def test_one_file_with_two_names_is_rated_once(tmp_path: Path, twin: str) -> None:
    make(tmp_path, f"image,mos\na.png,1\n{twin},2\n", ["a.png", "sub/b.png"])
    (tmp_path / "images/link.png").symlink_to("a.png")
    (tmp_path / "images/hard.png").hardlink_to(tmp_path / "images/a.png")
    with pytest.raises(MosforgeError, match="two rows name the file"):
        read(tmp_path)


def test_names_of_a_content_are_one_whatever_the_encoding_of_accents(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]
    text = f"image,mos,reference\na.png,1,{names[0]}\nb.png,9,{names[1]}\nc.png,3,a dog\nd.png,4,a  Dog\n"
    frame = read(make(tmp_path, text, ["a.png", "b.png", "c.png", "d.png"]))
    assert frame["reference"].tolist() == [names[0], names[0], "a dog", "a  Dog"]
    assert "'a  Dog' and 'a dog' differ only in case or spaces" in caplog.text


@pytest.mark.parametrize("column", ["reference", "reference_image"])
@pytest.mark.parametrize("word", ["NA", "nan", "None", "NULL"])
def test_a_word_for_an_empty_cell_joins_no_contents(tmp_path: Path, column: str, word: str) -> None:
    make(tmp_path, f"image,mos,{column}\na.png,1,\nb.png,9,{word}\n", ["a.png", "b.png"])
    with pytest.raises(MosforgeError, match=f"the {column} of b.png is '{word}'; leave the cell empty"):
        read(tmp_path)


@pytest.mark.parametrize(("scores", "warned"), [((0.3, 0.8), True), ((0.3, 1.4), False)])
def test_scores_in_a_small_part_of_the_range_are_warned_of(
    tmp_path: Path, scores: tuple[float, float], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    text = "image,mos\n" + "".join(f"{name}.png,{mos}\n" for name, mos in zip("ab", scores, strict=True))
    read(make(tmp_path, text, ["a.png", "b.png"]))
    assert ("a small part of the range [0, 10]" in caplog.text) is warned
