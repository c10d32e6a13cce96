"""Rows for people and programs."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from mosforge.core.rows import format_rows, write_rows

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


@pytest.mark.parametrize("path", ["a\rb.png", "a\nb.png", 'a"b,c.png', "a\r\nb.png"])
def test_csv_gives_back_every_file_name(path: str) -> None:
    text = format_rows([{"path": path, "n": 1}, {"path": "x", "n": 2}], ("path", "n"), "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows == [{"path": path, "n": "1"}, {"path": "x", "n": "2"}]


@pytest.mark.parametrize("style", ["json", "csv", "table"])
def test_what_standard_output_cannot_hold_is_escaped(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    write_rows([{"path": "é𝄞.png"}], ["path"], style)
    assert rb"\u00e9\ud834\udd1e.png" in written.getvalue()
    if style == "json":
        assert json.loads(written.getvalue()) == {"path": "é𝄞.png"}


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
        write_rows([{"path": f"é/{name}"}], ("path",), style, output)
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out").read_text(encoding="utf-8")
    assert r"é/caf\udce9.jpg" in printed
    if style == "json":
        assert json.loads(printed)["path"] == f"é/{name}"


def test_an_output_file_is_utf_8_and_its_folder_is_made(tmp_path: Path) -> None:
    write_rows([{"a": "名"}], ("a",), "csv", tmp_path / "new/out.csv")
    assert (tmp_path / "new/out.csv").read_bytes() == "a\n名\n".encode()
