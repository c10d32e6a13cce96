"""Files and folders that are written whole or not at all."""

import contextlib
import errno
import fcntl
import logging
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from mosforge.core.errors import MosforgeError

logger = logging.getLogger(__name__)

CHANGES_NO_RESULT = "it decides when a file gets its name, and not what is in it"


# Only writing raises these errors, so they concern the file that is written, whichever call fails.
_WHAT_TO_DO = {
    errno.ENOSPC: "no room on the disk; make room and run again",
    errno.EDQUOT: "your quota on the disk is used up; make room and run again",
    errno.EROFS: "the folder is read-only; make it writable and run again",
}


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`, and renames it to `path` when the block ends well.

    A block that fails, or a process that is killed, never leaves a half-written `path`; the next attempt
    overwrites the temporary file of a killed process. A lock keeps two processes from writing the same file
    at once: after a kill, a job of the killed run may still be running. The file has the mode that the umask
    gives, whatever the library that writes it (safetensors makes files that only their owner can read).

    Raises:
        MosforgeError: there is no room, the folder is read-only, there is a folder or a device of that name,
            or another process writes the file.
    """
    target = Path(path)
    check_file_name(target)
    temporary = target.with_name(f".{target.name}.tmp")
    with _explain_unwritable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(temporary, f"{target}: another process is writing it"):
            mode = temporary.stat().st_mode  # of the file that the lock has made
            try:
                yield temporary
                if temporary.stat().st_mode != mode:
                    temporary.chmod(stat.S_IMODE(mode))
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


def check_file_name(target: Path) -> None:
    """Refuses the name of a folder or a device (such as `/dev/null`), which a file must not replace.

    Raises:
        MosforgeError: something of this name exists and is not a file.
    """
    if target.exists() and not target.is_file():
        raise MosforgeError(f"{target}: there is a folder or a device of this name; name a file")


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Like `atomic_file`, for folders: yields an empty temporary folder, which replaces `path` at the end."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.tmp")
    with _explain_unwritable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(exist_ok=True)
        with exclusive_lock(temporary, f"{target}: another process is writing it"):
            try:
                _empty(temporary)
                yield temporary
                shutil.rmtree(target, ignore_errors=True)
                temporary.replace(target)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise


@contextlib.contextmanager
def exclusive_lock(path: str | os.PathLike[str], busy: str, *, wait: bool = False) -> Iterator[None]:
    """Locks a file, which is made if it is missing, or a folder against all other processes.

    The system releases the lock when the process ends, even by a kill. On a file system without locks, only
    a warning is logged.

    Args:
        path: the file or folder; it may be renamed or removed in the block.
        busy: the beginning of the error's message.
        wait: until another process releases the lock, instead of the error.

    Raises:
        MosforgeError: another process has the lock.
    """
    place = Path(path)
    flags = os.O_RDONLY | (os.O_DIRECTORY if place.is_dir() else os.O_CREAT)
    handle = os.open(place, flags, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise MosforgeError(f"{busy}; wait until it ends, or stop it, and run again") from None
        except OSError as error:
            logger.warning("%s: cannot be locked (%s); make sure that nothing else runs here", path, error)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explain_unwritable(target: Path) -> Iterator[None]:
    """Replaces the error of an unwritable disk with one that names `target` and what to do."""
    try:
        yield
    except MosforgeError:
        raise
    except Exception as error:
        number = _errno_of(error)
        if number not in _WHAT_TO_DO:
            raise
        raise MosforgeError(f"{target}: {_WHAT_TO_DO[number]}") from None


def _errno_of(error: BaseException | None) -> int:
    """The error number of a failed write: safetensors has it in its message, torch in a chained error."""
    while error is not None:
        if isinstance(error, OSError):
            return error.errno or 0
        if found := re.search(r"\(os error (\d+)\)", str(error)):
            return int(found[1])
        error = error.__context__
    return 0


def _empty(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry)
        else:
            Path(entry).unlink()
