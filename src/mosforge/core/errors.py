"""The one error that a user is meant to read."""


class MosforgeError(Exception):
    """Bad input, told in one sentence that names the file, key or value and what to do.

    The command line prints the sentence alone, without a stack trace, and exits with status 1.
    """


class UnreadableImageError(MosforgeError):
    """A file that cannot be used as a picture: `path`, and why not, without its name, as `reason`.

    Args:
        path: the file.
        reason: a clause such as "the file is truncated".
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
