"""Rows for people and programs, and the options that all verbs share."""

import argparse
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from mosforge.core.errors import MosforgeError
from mosforge.options import (
    add_threads,
    add_verb,
    format_rows,
    json_value,
    number,
    read_text,
    write_rows,
)

ROWS = [
    {"path": "a, b.png", "quality": 0.123456789, "parts": {"blur 1": 0.5, "jpeg 2": 0.25}},
    {"path": "c", "quality": float("nan"), "parts": {}},
    {"path": "d", "error": "no such file"},
]
COLUMNS = ("path", "quality", "parts", "error")


def test_json_is_an_object_a_line_without_the_missing_keys() -> None:
    lines = format_rows(ROWS, COLUMNS, "json").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"path": "a, b.png", "quality": 0.123457, "parts": {"blur 1": 0.5, "jpeg 2": 0.25}},
        {"path": "c", "quality": None, "parts": {}},
        {"path": "d", "error": "no such file"},
    ]
    assert list(json.loads(lines[0])) == ["path", "quality", "parts"], "the order is that of the columns"


def test_json_as_one_array() -> None:
    assert json.loads(format_rows(ROWS, ("path",), "json", array=True)) == [{"path": r["path"]} for r in ROWS]
    assert json.loads(format_rows([], ("path",), "json", array=True)) == []


def test_json_takes_the_numbers_of_numpy() -> None:
    assert format_rows([{"x": np.float64(0.5)}], ("x",), "json") == '{"x": 0.5}\n'


def test_json_without_rows_is_nothing() -> None:
    assert format_rows([], COLUMNS, "json") == ""


def test_csv_can_be_read_back() -> None:
    rows = list(csv.DictReader(io.StringIO(format_rows(ROWS, COLUMNS, "csv"))))
    assert rows[0] == {
        "path": "a, b.png",
        "quality": "0.1235",
        "parts": "blur 1 0.5000, jpeg 2 0.2500",
        "error": "",
    }
    assert rows[2] == {"path": "d", "quality": "", "parts": "", "error": "no such file"}


def test_the_table_aligns_numbers_right_and_words_left() -> None:
    rows = [{"name": "long name", "mean_score": 1.5, "n": 7}, {"name": "x", "mean_score": None, "n": 10}]
    assert format_rows(rows, ("name", "mean_score", "n"), "table").splitlines() == [
        "name       mean score   n",
        "long name      1.5000   7",
        "x                      10",
    ]


@pytest.mark.parametrize("style", ["table", "json", "csv"])
def test_a_name_in_another_encoding_is_written_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")  # as the file system gives a Latin 1 name
    for output in (None, tmp_path / "out"):
        write_rows([{"path": name}], ("path",), argparse.Namespace(format=style, output=output))
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out").read_text(encoding="utf-8")
    assert r"caf\udce9.jpg" in printed
    if style == "json":
        assert json.loads(printed)["path"] == name


def test_an_output_file_is_utf_8_and_its_folder_is_made(tmp_path: Path) -> None:
    write_rows([{"a": "名"}], ("a",), argparse.Namespace(format="csv", output=tmp_path / "new/out.csv"))
    assert (tmp_path / "new/out.csv").read_bytes() == "a\n名\n".encode()


def test_a_json_argument() -> None:
    assert json_value('{"a": [1, null]}') == {"a": [1, None]}
    with pytest.raises(argparse.ArgumentTypeError, match="not JSON"):
        json_value("{a: 1}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "argument --threads: '0' is not a whole number from 1"),
        (["--threads", "two"], "argument --threads: 'two' is not a whole number from 1"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number from 0"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_threads(parser)
    parser.add_argument("--seed", type=number)
    assert vars(parser.parse_args(["--seed", "0"]))["threads"] == 1
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_verb_runs_with_its_parameters() -> None:
    parser = argparse.ArgumentParser()
    add_verb(parser.add_subparsers(), "verb", lambda arguments: arguments.cfg["a"], "Do it.", cfg=True)
    arguments = parser.parse_args(["verb", "--cfg", '{"a": 5}'])
    assert arguments.run(arguments) == 5
    assert arguments.log is None


@pytest.mark.parametrize("words", [["verb"], ["verb", "--cfg", "{"], ["no"]])
def test_a_wrong_use_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_verb(parser.add_subparsers(), "verb", lambda _: None, "Do.", cfg=True)
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_text_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("\ufeffimage\n".encode())
    assert read_text(tmp_path / "x.csv") == "image\n"
    with pytest.raises(MosforgeError, match="none: no such file"):
        read_text(tmp_path / "none")
    (tmp_path / "l.csv").write_bytes("ä".encode("latin-1"))
    with pytest.raises(MosforgeError, match=r"l\.csv: not a text file in UTF-8"):
        read_text(tmp_path / "l.csv")
