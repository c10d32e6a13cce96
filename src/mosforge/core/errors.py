"""The errors that are written for users."""

from typing import Any


class MosforgeError(Exception):
    """Bad input: one sentence that names the file, key or value and what to do.

    The command line prints only this sentence, without a stack trace, and exits with status 1.
    """


class UnreadableImageError(MosforgeError):
    """A file that cannot be used as an image: its `path`, and the `reason` without the path.

    Args:
        path: the file.
        reason: a clause such as "the file is truncated".
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:  # for another process: an exception keeps only its message
        return type(self), (self.path, self.reason)


def first_line(error: BaseException) -> str:
    """The first line of a library's message, which may go on with a page of advice."""
    return str(error).partition("\n")[0]
