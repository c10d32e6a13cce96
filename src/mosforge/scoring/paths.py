"""What the paths on a command line stand for."""

import glob
import os
import sys
from collections.abc import Iterator

from mosforge.core.errors import UnreadableImageError
from mosforge.core.images import find_images

Named = str | UnreadableImageError
"""A path, or a folder that cannot be listed."""


def expand(words: list[str]) -> Iterator[Named]:
    """The picture files that words name, in their order.

    Args:
        words: a file stands for itself, whatever its name ends in; a folder for the picture files in it
            (`images.SUFFIXES`, at any depth, none that are hidden); what is neither is a glob, or a file
            that is not there; `-` is a list on standard input, a path a line, or ended by NUL bytes as
            `find -print0` writes it.
    """
    for word in words:
        if word == "-":
            yield from _listed(sys.stdin.buffer.read())
            continue
        found = [] if os.path.lexists(word) else sorted(glob.glob(word, recursive=True))  # noqa: PTH207
        for path in found or [word]:
            # not Path.is_dir: it takes an empty word for the current folder, and raises for a name too long
            if os.path.isdir(path):  # noqa: PTH112
                yield from _found(path.rstrip("/") or "/")
            else:
                yield path


def _listed(text: bytes) -> Iterator[str]:
    separator = b"\0" if b"\0" in text else b"\n"
    for line in text.split(separator):
        path = line.removesuffix(b"\r") if separator == b"\n" else line
        if path:
            yield os.fsdecode(path)


def _found(folder: str) -> Iterator[Named]:
    problems: list[UnreadableImageError] = []

    def unreadable(below: str, error: OSError) -> None:
        path = f"{folder}/{below}".rstrip("/")
        problems.append(UnreadableImageError(path, f"the folder cannot be read ({error.strerror})"))

    yield from (os.path.join(folder, name) for name in find_images(folder, unreadable))  # noqa: PTH118
    yield from problems
