"""Downloading one file over HTTP: resumed, retried, verified, and kept whole or not at all."""

import errno
import hashlib
import http.client
import logging
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from mosforge.core.atomic import exclusive_lock
from mosforge.core.errors import MosforgeError

CHANGES_NO_RESULT = "the declared checksum decides which bytes are kept"

log = logging.getLogger(__name__)

ATTEMPTS = 6
"""Attempts in a row without a new byte, after which the download is given up."""

TIMEOUT = 60.0
"""Seconds without an answer, after which a connection counts as broken."""

_CHUNK = 1 << 20
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP states that may be gone at a later attempt
# faults of this machine, which another attempt does not mend
_LOCAL = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EISDIR, errno.EFBIG}


class _BrokenConnectionError(Exception):
    """A fault that may pass; the bytes so far are kept for the next attempt."""


def download(
    url: str,
    target: Path,
    checksum: tuple[str, str],
    size: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Downloads a file, unless it is there already, and verifies it.

    The bytes go to `target` with the suffix `.part`. A later attempt or run goes on from that file, if the
    server allows it. Where another process downloads the same file, as for two sources in one archive, this
    one waits, and then uses that file.

    Args:
        url: an HTTP or HTTPS address.
        target: where the file goes.
        checksum: algorithm (`md5` or `sha256`) and hexadecimal digest.
        size: bytes, where known.
        sleep: waits between attempts: 1, 2, 4 ... seconds.

    Returns:
        `target`.

    Raises:
        MosforgeError: the server refuses, the connection stays broken, or size or checksum are not the
            declared ones. A file with wrong bytes is not kept.
    """
    if target.exists():
        return _kept(url, target, checksum, size)
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise MosforgeError(f"{url}: not an http or https address; correct the key url")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with exclusive_lock(part, f"{target}: another process downloads it", wait=True):
        try:
            if target.exists():  # another process has downloaded it meanwhile
                return _kept(url, target, checksum, size)
            _fetch(url, part, size, sleep)
            advice = f"nothing of {url} was kept; run again or correct the configuration"
            try:
                _verify(part, target, checksum, size, advice)
            except MosforgeError:
                part.unlink(missing_ok=True)
                raise
            part.replace(target)
        finally:
            if not _length(part):  # the lock has made it
                part.unlink(missing_ok=True)
    log.info("%s: downloaded, checksum verified", target)
    return target


def _kept(url: str, target: Path, checksum: tuple[str, str], size: int | None) -> Path:
    """The file that is there already, verified."""
    _verify(target, target, checksum, size, f"delete it to download {url} again")
    log.info("%s: already there, checksum verified", target)
    return target


def _fetch(url: str, part: Path, size: int | None, sleep: Callable[[float], None]) -> None:
    furthest, failures = _length(part), 0
    while True:
        try:
            _attempt(url, part, size)
            return
        except _BrokenConnectionError as fault:
            # a server that cannot resume may break off at the same byte every time
            failures = 0 if _length(part) > furthest else failures + 1
            furthest = max(furthest, _length(part))
            if failures >= ATTEMPTS:
                raise MosforgeError(
                    f"{url}: {fault}, {ATTEMPTS} times in a row; run again to go on from where it broke off, "
                    f"or download the file yourself to {part.with_suffix('')}"
                ) from None
            log.warning("%s: %s; trying again", url, fault)
            sleep(2.0 ** max(failures - 1, 0))


def _attempt(url: str, part: Path, size: int | None) -> None:
    have = _length(part)
    if size is not None and have == size:
        return
    if size is not None and have > size:
        part.unlink()
        have = 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            start, total = _placed(response, have)
            if size is not None and total is not None and total != size:
                part.unlink(missing_ok=True)
                raise MosforgeError(f"{url}: the server offers {total:,} bytes where {size:,} are declared")
            with part.open("r+b" if start else "wb") as file:
                file.seek(start)
                file.truncate()
                _copy(response, file, start, total if total is not None else size)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the server has no byte after those that are here
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink(missing_ok=True)  # the start of another version of the file
        elif error.code not in _PASSING:
            raise MosforgeError(f"{url}: the server answers {error.code} {error.reason}") from None
        raise _BrokenConnectionError(f"the server answers {error.code} {error.reason}") from None
    except http.client.InvalidURL:
        raise MosforgeError(f"{url}: not an address to download from; correct the key url") from None
    except (http.client.HTTPException, OSError) as error:
        if getattr(error, "errno", None) in _LOCAL:
            raise
        reason = getattr(error, "reason", None) or error
        raise _BrokenConnectionError(f"the connection broke ({reason})") from None


def _placed(response: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """The place of the answer's first byte, and the length of the whole file if the server says it."""
    length = response.headers.get("Content-Length")
    if response.status != 206:
        return 0, int(length) if length else None
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != have:
        raise _BrokenConnectionError("the server resumes at another byte than it was asked for")
    return have, None if match[2] == "*" else int(match[2])


def _copy(response: http.client.HTTPResponse, file: BinaryIO, start: int, total: int | None) -> None:
    limit = math.inf if total is None else total
    name = Path(file.name).stem
    with tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=name, disable=None) as progress:
        # of a file that is too long one byte more is enough: the checksum says the rest
        while file.tell() <= limit and (chunk := response.read(_CHUNK)):
            file.write(chunk)
            progress.update(len(chunk))
    if total is not None and file.tell() < total:
        raise _BrokenConnectionError(f"the connection broke after {file.tell():,} of {total:,} bytes")


def _verify(file: Path, name: Path, checksum: tuple[str, str], size: int | None, advice: str) -> None:
    if size is not None and _length(file) != size:
        raise MosforgeError(f"{name}: {_length(file):,} bytes where {size:,} are declared; {advice}")
    algorithm, expected = checksum
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, algorithm).hexdigest()
    if found != expected.lower():
        raise MosforgeError(f"{name}: its {algorithm} is {found} where {expected} is declared; {advice}")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
