"""`mosforge score` as people and programs use it."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mosforge.cli import main
from mosforge.models.crops import CropOutputs
from mosforge.scoring.scorer import Scorer

Model = Callable[..., Path]
Lines = list[dict[str, Any]]


@pytest.fixture
def score(
    images: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs `mosforge score` among the images: exit status, standard output, standard error."""
    monkeypatch.chdir(images)

    def run(folder: Path, *words: str) -> tuple[int, str, str]:
        status = main(["score", "--model", str(folder), "--device", "cpu", *words])
        return status, *capsys.readouterr()

    return run


def lines(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_an_object_a_line(score: Callable[..., Any], model: Model, images: Path) -> None:
    folder = model("multitask")
    status, out, err = score(folder, "a coffee.png", "b.jpg", "--format", "json")
    assert (status, err) == (0, "")
    expected = Scorer(folder, device="cpu").score(images / "a coffee.png")
    first, second = lines(out)
    assert list(first) == ["path", "quality", "score", "spread", "distortions"]
    assert first["path"] == "a coffee.png"
    assert second["path"] == "b.jpg"
    assert first["quality"] == pytest.approx(expected.quality, abs=1e-6)
    assert first["score"] == pytest.approx(9 * expected.quality, abs=1e-5)
    assert first["distortions"] == pytest.approx(expected.distortions, abs=1e-6)
    assert list(first["distortions"].values()) == sorted(first["distortions"].values(), reverse=True)


def test_a_model_without_classes_says_nothing_of_distortions(score: Callable[..., Any], model: Model) -> None:
    _, out, _ = score(model(), "b.jpg", "--format", "json")
    assert list(lines(out)[0]) == ["path", "quality", "score", "spread"]


def test_raw_scores_far_outside_the_scale_are_shown_and_warned_of(
    score: Callable[..., Any], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    for raw, shown in ((1.05, False), (-0.09, False), (3.21, True), (-0.5, True)):
        monkeypatch.setattr(
            "mosforge.scoring.scorer.run_network",
            lambda *_, raw=raw: CropOutputs(np.zeros((5, 1)), np.full(5, raw), None),
        )
        status, out, err = score(model(), "b.jpg", "--format", "json")
        assert status == 0
        assert lines(out)[0].get("raw") == (pytest.approx(raw) if shown else None)
        assert ("1 of 1 images lie more than 0.1 outside" in err) is shown


def test_a_bad_file_is_reported_and_does_not_stop_the_rest(
    score: Callable[..., Any], model: Model, tmp_path: Path
) -> None:
    folder = model()
    (tmp_path / "text.jpg").write_text("text")
    (tmp_path / "cut.jpg").write_bytes(Path("b.jpg").read_bytes()[:800])
    bad = [str(tmp_path / "text.jpg"), "none.png", str(tmp_path / "cut.jpg")]
    status, out, err = score(folder, bad[0], "a coffee.png", *bad[1:], "b.jpg", "--format", "json")
    assert status == 1
    assert err == "3 of 5 files could not be scored\n"
    rows = lines(out)
    assert [row["path"] for row in rows] == [bad[0], "a coffee.png", *bad[1:], "b.jpg"]
    assert rows[0].keys() == {"path", "error"}
    assert "that can be read" in rows[0]["error"]
    assert rows[2] == {"path": "none.png", "error": "no such file"}
    assert rows[3] == {"path": bad[2], "error": "the file is truncated"}
    assert [row for row in rows if "quality" in row] == lines(
        score(folder, "a coffee.png", "b.jpg", "--format", "json")[1]
    )


def test_csv_and_table_have_the_same_rows(score: Callable[..., Any], model: Model) -> None:
    folder = model("multitask")
    _, out, _ = score(folder, "a coffee.png", "none.png", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["path", "quality", "score", "spread", "distortions", "error"]
    assert rows[1]["error"] == "no such file"
    assert 0 <= float(rows[0]["quality"]) <= 1
    _, out, _ = score(folder, "a coffee.png", "none.png")
    head, first, second = out.splitlines()
    assert head.split() == ["path", "quality", "score", "spread", "distortions", "error"]
    assert first.startswith(f"a coffee.png  {rows[0]['quality'].rjust(len('quality'))}")
    assert second.startswith("none.png")
    assert second.endswith("no such file")


def test_an_output_file_takes_the_place_of_standard_output(
    score: Callable[..., Any], model: Model, tmp_path: Path
) -> None:
    folder = model()
    status, out, _ = score(folder, "b.jpg", "--format", "json", "--output", str(tmp_path / "scores.jsonl"))
    assert (status, out) == (0, "")
    assert (tmp_path / "scores.jsonl").read_text() == score(folder, "b.jpg", "--format", "json")[1]


def test_an_output_that_cannot_be_written_is_reported_before_the_work(
    score: Callable[..., Any], tmp_path: Path
) -> None:
    status, _, err = score(tmp_path / "no model", "b.jpg", "--output", str(tmp_path))
    assert (status, err) == (
        1,
        f"mosforge: error: {tmp_path}: there is a folder or a device of this name; name a file\n",
    )


EVERY = ["a coffee.png", "b.jpg", "sub/cat [1].png", "sub/small.png"]


def paths(result: tuple[int, str, str]) -> list[str]:
    return [row["path"] for row in lines(result[1])]


def test_folders_globs_and_files(score: Callable[..., Any], model: Model, images: Path) -> None:
    folder = model(test_crops=1)
    assert paths(score(folder, ".", "--format", "json")) == [f"./{name}" for name in EVERY]
    assert paths(score(folder, f"{images}/", "--format", "json")) == [f"{images}/{name}" for name in EVERY]
    assert paths(score(folder, "*.png", "sub/*", "--format", "json")) == [EVERY[0], *EVERY[2:]]
    assert paths(score(folder, "**/*.png", "--format", "json")) == [EVERY[0], *EVERY[2:]]
    assert paths(score(folder, f"{images}/s*l/*", "none/*", "--format", "json")) == [
        f"{images}/s*l/*",
        "none/*",
    ]
    assert paths(score(folder, "s*", "--format", "json")) == EVERY[2:], (
        "a folder that a glob finds is searched"
    )
    assert paths(score(folder, "sub/cat [1].png", "--format", "json")) == ["sub/cat [1].png"], (
        "a file, not a glob"
    )


def test_a_word_that_can_be_no_file_is_reported_like_one_that_is_not_there(
    score: Callable[..., Any], model: Model
) -> None:
    status, out, _ = score(model(test_crops=1), "", 300 * "a", "b.jpg", "--format", "json")
    empty, long, good = lines(out)
    assert status == 1
    assert empty == {"path": "", "error": "no such file"}, "an empty word is not the whole disk"
    assert long["error"] == "the file cannot be read (File name too long)"
    assert "quality" in good


def test_a_list_on_standard_input(
    score: Callable[..., Any], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (b"b.jpg\n\nsub/cat [1].png\n", b"b.jpg\r\nsub/cat [1].png", b"b.jpg\0sub/cat [1].png\0"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
        assert paths(score(model(test_crops=1), "a coffee.png", "-", "--format", "json")) == EVERY[:3]


def test_a_closed_standard_input_is_one_sentence(
    score: Callable[..., Any], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    status, _, err = score(model(test_crops=1), "-")
    assert status == 1
    assert "no standard input" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--explain", "b.jpg"), "--explain b.jpg: name the file to write"),
        (("--output", "sub/new.PNG"), "--output sub/new.PNG: name the file to write"),
        (("--explain", "x.html", "--output", "sub/../x.html"), "cannot be both"),
    ],
)
def test_a_file_to_write_is_no_image_and_has_a_name_of_its_own(
    score: Callable[..., Any], model: Model, images: Path, words: tuple[str, ...], reason: str
) -> None:
    before = (images / "b.jpg").read_bytes()
    status, out, err = score(model(test_crops=1), *words, "a coffee.png")
    assert (status, out) == (1, "")
    assert reason in err
    assert (images / "b.jpg").read_bytes() == before
    assert not (images / "x.html").exists()


def test_the_order_does_not_change_a_score(score: Callable[..., Any], model: Model) -> None:
    folder = model()
    forth = lines(score(folder, *EVERY, "--format", "json")[1])
    back = lines(score(folder, *reversed(EVERY), "--format", "json")[1])
    assert back == list(reversed(forth))


def test_an_empty_folder_is_reported(score: Callable[..., Any], model: Model, tmp_path: Path) -> None:
    folder = model()
    (tmp_path / "empty/.hidden").mkdir(parents=True)
    (tmp_path / "empty/notes.txt").write_text("x")
    status, out, err = score(folder, str(tmp_path / "empty"), "--format", "json")
    assert (status, out) == (1, "")
    assert f"mosforge: error: {tmp_path / 'empty'}: no image is there" in err
    assert ".jpg" in err
    (tmp_path / "other").mkdir()
    err = score(folder, str(tmp_path / "empty"), str(tmp_path / "other"))[2]
    assert f"{tmp_path / 'empty'}, {tmp_path / 'other'}: no image" in err


def test_a_folder_that_is_no_model_is_reported(score: Callable[..., Any], tmp_path: Path) -> None:
    status, out, err = score(tmp_path, "b.jpg")
    assert (status, out) == (1, "")
    assert f"{tmp_path}: not a model folder, it has no card.json" in err


def test_the_number_of_crops_is_an_option(score: Callable[..., Any], model: Model) -> None:
    folder = model()
    default, one = (score(folder, "b.jpg", "--format", "json", *words)[1] for words in ((), ("--crops", "1")))
    assert lines(one)[0]["spread"] == 0
    assert lines(default)[0]["spread"] > 0
    assert score(folder, "b.jpg", "--crops", "-1")[0] == 1


@pytest.mark.parametrize("words", [[], ["--format", "xml"], ["--crops", "many"]])
def test_a_wrong_use_exits_with_2(score: Callable[..., Any], tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        score(tmp_path, *words, *(["b.jpg"] if words else []))
    assert caught.value.code == 2


def test_a_name_in_another_encoding_is_scored(
    score: Callable[..., Any], model: Model, tmp_path: Path
) -> None:
    folder = model()
    strange = os.fsencode(tmp_path) + b"/images/caf\xe9.jpg"
    (tmp_path / "images").mkdir()
    try:
        Path(os.fsdecode(strange)).write_bytes(Path("b.jpg").read_bytes())
    except OSError:
        pytest.skip("the file system takes no such name")
    status, out, _ = score(folder, str(tmp_path / "images"), "--format", "json")
    assert status == 0
    assert os.fsencode(lines(out)[0]["path"]) == strange
