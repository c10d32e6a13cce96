"""Images under watch: another content is seen, whatever its size and age; nothing else counts."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mosforge.core.files import sha256_of_file
from mosforge.plan import watched
from mosforge.plan.watched import Described, describe, recorded_digests


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three images of one size."""
    monkeypatch.chdir(tmp_path)
    paths = [Path("photos") / f"{name}.bmp" for name in "abc"]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(path.name.encode() * 10)
    return paths


def look(files: list[Path], jobs: Mapping[str, str] | None = None) -> list[Described]:
    """The descriptions; `jobs` is what jobs have recorded."""
    return describe("reader", files, lambda: jobs or {})


def digests(files: list[Path]) -> dict[str, str]:
    return {str(path): sha256_of_file(path) for path in files}


def replace_unseen(path: Path, data: bytes) -> None:
    """Another content with the size and the modification time of the one before."""
    stat = path.stat()
    assert len(data) == stat.st_size
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_files_that_nobody_touched_are_not_read(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a file or record is read")

    first = look(files)
    monkeypatch.setattr(watched, "sha256_of_file", refuse)
    assert describe("reader", files, refuse) == first == [(50, ""), (50, ""), (50, "")]


def test_a_touched_or_copied_file_is_as_it_was(files: list[Path]) -> None:
    first, recorded = look(files), digests(files)
    files[0].touch()
    shutil.copy(files[1], "copy")
    shutil.move("copy", files[1])
    assert look(files, recorded) == first
    assert look(files) == first


@pytest.mark.parametrize("is_recorded", [True, False])
def test_another_content_of_the_same_size_and_age_is_seen(files: list[Path], is_recorded: bool) -> None:
    first, recorded = look(files), digests(files) if is_recorded else {}
    original = files[1].read_bytes()
    replace_unseen(files[1], original[::-1])
    second = look(files, recorded)
    assert [one == other for one, other in zip(first, second, strict=True)] == [True, False, True]
    assert look(files, digests(files)) == second, "and stays seen after a job has read it"
    files[1].touch()
    assert look(files, digests(files)) == second
    replace_unseen(files[1], original)
    assert (look(files, recorded) == first) == is_recorded


def test_what_a_job_has_read_is_what_counts(files: list[Path]) -> None:
    first = look(files)
    replace_unseen(files[0], files[0].read_bytes()[::-1])  # after planning, before the job
    assert look(files, digests(files)) == first


def test_a_missing_file_and_one_of_another_size_are_seen(files: list[Path]) -> None:
    first, recorded, original = look(files), digests(files), files[0].read_bytes()
    files[0].unlink()
    assert look(files, recorded)[0] == (None, "")
    files[0].write_bytes(original[::-1])
    assert look(files, recorded)[0] not in (first[0], (None, ""))
    files[0].write_bytes(b"short")
    assert look(files, recorded)[0][0] == 5
    files[0].write_bytes(original)
    assert look(files, recorded) == first


def test_each_reader_has_files_of_its_own(files: list[Path]) -> None:
    look(files)
    describe("other", files, dict)
    before = digests(files)
    replace_unseen(files[0], files[0].read_bytes()[::-1])
    assert look(files, digests(files))[0][1] == ""
    assert describe("other", files, lambda: before)[0][1] != ""


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"photos/a.bmp": [1]}), json.dumps({"a": 1})])
def test_a_damaged_record_is_begun_anew(files: list[Path], text: str) -> None:
    look(files)
    (watched.FOLDER / "reader.json").write_text(text)
    assert look(files) == [(50, "")] * 3


def test_a_folder_that_cannot_be_written_is_only_slower(files: list[Path]) -> None:
    watched.FOLDER.parent.mkdir()
    watched.FOLDER.write_text("in the way")
    assert look(files) == [(50, "")] * 3


def test_digests_are_read_from_the_tables_that_are_there(tmp_path: Path) -> None:
    table = str(tmp_path / "files.parquet")
    pq.write_table(pa.table({"path": ["a", "b"], "sha256": ["1", None], "other": [1, 2]}), table)
    (tmp_path / "empty.parquet").touch()
    tables = [str(tmp_path / name) for name in ("none.parquet", "empty.parquet")]
    assert recorded_digests([*tables, table]) == {"a": "1"}
