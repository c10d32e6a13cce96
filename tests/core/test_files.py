"""Files and folders that are written whole or not at all."""

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.errors import MosforgeError
from mosforge.core.files import (
    atomic_file,
    atomic_folder,
    digest,
    read_json,
    read_text,
    sha256_of_file,
    write_json,
)


def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new/folder/file.txt"
    with atomic_file(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent, "a rename is atomic only within a file system"
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def fail() -> None:
        with atomic_file(target) as temporary:
            temporary.write_text("ha")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_folder_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "folder"
    with atomic_folder(target) as temporary:
        (temporary / "old").write_text("old")

    def fail() -> None:
        with atomic_folder(target) as temporary:
            (temporary / "new").write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert [path.name for path in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_a_device_is_not_replaced_by_a_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "there")
    with (
        pytest.raises(MosforgeError, match=r"there: .*folder or a device"),
        atomic_file(tmp_path / "there"),
    ):
        pytest.fail("no work is done for nothing")
    assert not (tmp_path / "there").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_new_folder_replaces_all_of_the_old_one(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with atomic_folder(tmp_path / "folder") as temporary:
            (temporary / name).write_text(name)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["second"]


KILLED = """
    import os, signal, sys
    from mosforge.core.files import atomic_file, atomic_folder
    target = sys.argv[2]
    with (atomic_file if sys.argv[1] == "file" else atomic_folder)(target) as temporary:
        place = temporary if sys.argv[1] == "file" else temporary / "part"
        place.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_killed_process_leaves_nothing_under_the_name(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    code = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), kind, str(target)], check=False)
    assert code.returncode == -signal.SIGKILL
    assert not target.exists()
    with (atomic_file if kind == "file" else atomic_folder)(target) as temporary:
        (temporary if kind == "file" else temporary / "whole").write_text("whole")
    left = [path.name for path in tmp_path.iterdir()]
    assert left == ["target"], "the next attempt takes over the temporary name"
    if kind == "folder":
        assert [path.name for path in target.iterdir()] == ["whole"]


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
def test_two_processes_never_write_the_same(
    tmp_path: Path, write: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    target = tmp_path / "target"
    with write(target) as temporary:
        with pytest.raises(MosforgeError, match="target: another process"), write(target):
            pass
        assert temporary.exists()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path, number: int) -> None:
    with pytest.raises(MosforgeError, match=r"file: .* and run again$"), atomic_file(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser writes anywhere")
def test_a_folder_without_permission_to_write_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PermissionError), atomic_file(tmp_path / "file") as temporary:
        temporary.write_text("x")
    tmp_path.chmod(stat.S_IRWXU)


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"), atomic_file(tmp_path / "taken/file") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "taken").read_text() == "a file"


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
