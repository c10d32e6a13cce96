"""The images of a user: whether another one lies under a name, without reading those nobody touched.

Size and times of each file are kept beside Snakemake's own records. A file is read only if one of these
differs from the last time. So planning stays fast, a file that was only touched or copied starts nothing, and
another image of the same size and age is seen all the same.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.parallel import available_threads, map_in_order
from mosforge.plan.recorded import recorded_rows

FOLDER = Path(".snakemake/mosforge")

Described = tuple[int | None, str]
"""The size of a file, none if it is not there; and which content it has, empty for the first one."""


class _Known(NamedTuple):
    """What is kept of a file.

    Its first content is never read here: the job that read it has recorded its digest, `first`, which is
    looked up when the file changes. `content` is the digest of another one, and empty for the first.
    """

    size: int
    modified: int
    changed: int
    content: str = ""
    first: str | None = None


def describe(role: str, files: Sequence[Path], recorded: Callable[[], Mapping[str, str]]) -> list[Described]:
    """Describes files so that the description changes when, and only when, a content does.

    Args:
        role: who reads the files; each reader has files of its own.
        files: images.
        recorded: gives the SHA-256 that the reader's jobs have found, by the files' POSIX paths.
    """
    place = FOLDER / f"{role}.json"
    before = _read(place)
    names = [path.as_posix() for path in files]
    now = {name: _look(path) for name, path in zip(names, files, strict=True)}
    after = dict(before)
    touched = []
    for name, look in now.items():
        if look is None:
            continue
        if name not in before:
            after[name] = look
        elif before[name][:3] != look[:3]:
            touched.append(name)
    if touched:
        found = recorded()
        digests = map_in_order(_digest, touched, available_threads())
        for name, digest in zip(touched, digests, strict=True):
            look = now[name]
            assert look is not None
            after[name] = _compared(before[name], look, digest, found.get(name))
    if after != before:
        _write(place, after)
    return [(look.size, after[name].content) if (look := now[name]) else (None, "") for name in names]


def _compared(known: _Known, look: _Known, digest: str, recorded: str | None) -> _Known:
    """What is kept of a file whose size or times differ from what was kept."""
    first = known.first if known.content or known.first else recorded
    return look._replace(first=first, content="" if digest == first else digest)


def _look(path: Path) -> _Known | None:
    try:
        stat = path.stat()
    except OSError:  # a link that leads nowhere too; the job that reads the file says so
        return None
    return _Known(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _digest(name: str) -> str:
    try:
        return sha256_of_file(name)
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _read(place: Path) -> dict[str, _Known]:
    try:
        return {name: _Known(*values) for name, values in json.loads(place.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or damaged: all files are new
        return {}


def _write(place: Path, known: Mapping[str, Any]) -> None:
    # a folder that cannot be written, or another run that writes: the next time will look again
    with contextlib.suppress(OSError, MosforgeError), atomic_file(place) as temporary:
        temporary.write_text(json.dumps(known))


def recorded_digests(tables: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of files by their paths, from the columns `path` and `sha256` of Parquet tables."""
    pairs = (pair for table in tables for pair in recorded_rows(table, "path", "sha256"))
    return {path: digest for path, digest in pairs if digest is not None}
