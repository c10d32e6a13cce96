"""Unpacking one folder of a tar or zip archive that is not trusted."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from mosforge.core.errors import MosforgeError

FREE_BYTES = 1 << 30
"""Unpacked size that every archive may have ..."""
LARGEST_RATIO = 20
"""... and times its own size that a larger one may have; photographs hardly compress."""
_CHUNK = 1 << 20

_Entry = tuple[PurePosixPath, int, IO[bytes]]


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
        MosforgeError: the archive is damaged, holds a link in that folder or a path that leads
            outside, would unpack to more than the limit, or has no file in that folder.
    """
    limit = limit if limit is not None else max(FREE_BYTES, LARGEST_RATIO * archive.stat().st_size)
    root = PurePosixPath(pictures)
    try:
        is_zip = zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive)
        entries = _zip_entries(archive, root) if is_zip else _tar_entries(archive, root, destination)
        files = _write(archive, entries, destination, limit)
    except tarfile.FilterError as error:
        raise MosforgeError(f"{archive}: not unpacked, since it is not safe ({error})") from None
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
    ) as error:
        raise MosforgeError(f"{archive}: not a tar or zip archive that can be read ({error})") from None
    if not files:
        raise MosforgeError(
            f"{archive}: there is no file in its folder {pictures!r}; correct the key pictures"
        )
    return files


def _write(archive: Path, entries: Iterator[_Entry], destination: Path, limit: int) -> int:
    written = files = 0
    for path, size, content in entries:
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as file:
            # the declared size is only a claim; what really comes is counted
            while chunk := content.read(_CHUNK):
                written += len(chunk)
                if written + max(size - file.tell() - len(chunk), 0) > limit:
                    raise MosforgeError(f"{archive}: it unpacks to more than {limit:,} bytes; it is refused")
                file.write(chunk)
        files += 1
    return files


def _tar_entries(archive: Path, root: PurePosixPath, destination: Path) -> Iterator[_Entry]:
    with tarfile.open(archive) as opened:
        for member in opened:
            safe = tarfile.data_filter(member, str(destination))
            inner = _below(archive, safe.name, root)
            if inner is None or safe.isdir():
                continue
            content = opened.extractfile(safe) if safe.isreg() else None
            if content is None:
                raise MosforgeError(f"{archive}: {member.name} is a link or a special file; it is refused")
            yield inner, safe.size, content


def _zip_entries(archive: Path, root: PurePosixPath) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            inner = _below(archive, member.filename, root)
            if inner is None or member.is_dir():
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                raise MosforgeError(
                    f"{archive}: {member.filename} is a link or a special file; it is refused"
                )
            if member.flag_bits & 1:
                raise MosforgeError(
                    f"{archive}: it is encrypted; unpack it yourself into the source's folder"
                )
            yield inner, member.file_size, opened.open(member)


def _below(archive: Path, name: str, root: PurePosixPath) -> PurePosixPath | None:
    """The path below `root`, or None for one that does not lie there."""
    path = PurePosixPath(name.replace("\\", "/"))
    # `root/../x` is inside the archive but outside of `root`, which is all that is unpacked
    if path.is_absolute() or ".." in path.parts:
        raise MosforgeError(f"{archive}: not unpacked, since {name!r} leads outside its folder")
    inner = path.relative_to(root) if path.is_relative_to(root) else None
    return inner if inner is not None and inner.parts else None
