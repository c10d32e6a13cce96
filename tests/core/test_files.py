"""Text and JSON in files, and digests."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, read_json, read_text, sha256_of_file, write_json


def test_json_is_sorted_and_utf_8_in_every_locale(tmp_path: Path) -> None:
    write = (
        "import sys; from mosforge.core.files import write_json;"
        r"write_json(sys.argv[1], {'\xe4': '\u540d', 'a': [1.5, None]})"
    )
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", write, tmp_path / "x.json"], check=True, env=environment)
    text = (tmp_path / "x.json").read_bytes().decode("utf-8")
    assert text == '{\n  "a": [\n    1.5,\n    null\n  ],\n  "ä": "名"\n}\n'


def test_json_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert (tmp_path / "x.json").read_text() == '{\n  "a": 1\n}\n'
    assert len(list(tmp_path.iterdir())) == 1


def test_the_digest_of_a_file_is_sha256(tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "x").write_bytes(content)
    assert sha256_of_file(tmp_path / "x") == hashlib.sha256(content).hexdigest()


def test_the_digest_of_a_value_is_the_sha256_of_its_shortest_json() -> None:
    expected = hashlib.sha256(b'{"a":[1,2.5,null,true],"b":"\\u00e9"}').hexdigest()
    assert digest({"b": "é", "a": [1, 2.5, None, True]}) == expected[:16]
    assert digest({"a": [1, 2.5, None, True], "b": "é"}, 40) == expected[:40]


@settings(deadline=None)
@given(
    st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.floats(allow_nan=False)), min_size=2)
)
def test_the_order_of_keys_does_not_change_the_digest(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


def test_text_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("\ufeffimage\n".encode())
    assert read_text(tmp_path / "x.csv") == "image\n"
    with pytest.raises(MosforgeError, match="none: no such file"):
        read_text(tmp_path / "none")
    (tmp_path / "l.csv").write_bytes("ä".encode("latin-1"))
    with pytest.raises(MosforgeError, match=r"l\.csv: not a text file in UTF-8"):
        read_text(tmp_path / "l.csv")


def test_json_is_read_back_and_damage_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"ä": [1, None]})
    assert read_json(tmp_path / "x.json") == {"ä": [1, None]}
    (tmp_path / "x.json").write_text('{"a": ')
    with pytest.raises(MosforgeError, match=r"x\.json: damaged JSON .*delete it"):
        read_json(tmp_path / "x.json")
