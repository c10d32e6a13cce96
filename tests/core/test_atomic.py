"""Files and folders that are written whole or not at all."""

import errno
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
import torch

from mosforge.core.atomic import atomic_file, atomic_folder
from mosforge.core.errors import MosforgeError
from mosforge.models.weights import write_weights


def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new/folder/file.txt"
    with atomic_file(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent, "a rename is atomic only within a file system"
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_a_file_has_the_mode_of_the_umask_whatever_writes_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with atomic_file(tmp_path / "plain") as temporary:
            temporary.write_text("whole")
        with atomic_file(tmp_path / "weights") as temporary:
            write_weights({"weight": torch.zeros(2)}, temporary)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o666 & ~umask}


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
    with pytest.raises(MosforgeError, match=r"there: .*folder or a device"), atomic_file(tmp_path / "there"):
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
    from mosforge.core.atomic import atomic_file, atomic_folder
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
