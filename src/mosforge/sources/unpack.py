"""Unpacking one folder of a tar or zip archive that is not trusted."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from mosforge.core.errors import MosforgeError, first_line

FREE_BYTES = 1 << 30
"""Unpacked size that every archive may have ..."""
LARGEST_RATIO = 20
"""... and times its own size that a larger one may have; images hardly compress."""

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)

_Entry = tuple[str, int, Callable[[], IO[bytes] | None]]
"""A file's name, its unpacked size, and a function that opens it; None for what is not a regular file."""


def unpack(archive: Path, destination: Path, pictures: str = "", limit: int | None = None) -> int:
    """Unpacks the regular files of a folder inside an archive.

    Args:
        archive: a tar file (plain or compressed with gzip, bzip2 or xz) or a zip file.
        destination: an existing folder; paths in it are those below `pictures`.
        pictures: the folder inside the archive, all of it where empty.
        limit: the most bytes that may be unpacked.

    Returns:
        The number of files.

    Raises:
        MosforgeError: the archive is damaged or encrypted, holds a link in that folder or a path that leads
            outside, would unpack to more than the limit, or has no file in that folder.
    """
    limit = limit if limit is not None else max(FREE_BYTES, LARGEST_RATIO * archive.stat().st_size)
    root = PurePosixPath(pictures)
    files = written = 0
    try:
        is_zip = zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive)
        for name, size, read in _zip_entries(archive) if is_zip else _tar_entries(archive, destination):
            path = PurePosixPath(name.replace("\\", "/"))
            # `root/../x` is inside the archive, but outside `root`, and only `root` is unpacked
            if path.is_absolute() or ".." in path.parts:
                raise MosforgeError(f"{archive}: not unpacked, since {name!r} leads outside its folder")
            if not path.is_relative_to(root) or path == root:
                continue
            content = read()
            if content is None:
                raise MosforgeError(f"{archive}: not unpacked, since {name} is a link or a special file")
            # neither module ever reads more from a file than the size that the archive declares
            written += size
            if written > limit:
                raise MosforgeError(f"{archive}: not unpacked, since it has more than {limit:,} bytes")
            target = destination / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
            files += 1
    except tarfile.FilterError as error:
        raise MosforgeError(f"{archive}: not unpacked, since it is not safe ({error})") from None
    except _DAMAGED as error:
        line = first_line(error).rstrip(":")  # tarfile goes on with a line for each format
        reason = f"not a tar or zip archive that can be read ({line})"
        raise MosforgeError(f"{archive}: {reason}; download it anew, or unpack it yourself") from None
    if not files:
        raise MosforgeError(f"{archive}: no file in its folder {pictures!r}; correct the key pictures")
    return files


def _tar_entries(archive: Path, destination: Path) -> Iterator[_Entry]:
    with tarfile.open(archive) as opened:
        for member in opened:
            safe = tarfile.data_filter(member, str(destination))
            if not safe.isdir():
                read = partial(opened.extractfile, safe) if safe.isreg() else lambda: None
                yield safe.name, safe.size, read


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if not member.is_dir():
                is_link = stat.S_ISLNK(member.external_attr >> 16)
                read = (lambda: None) if is_link else partial(opened.open, member)
                yield member.filename, member.file_size, read
