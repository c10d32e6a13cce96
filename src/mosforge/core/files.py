"""Text and JSON in files, and the digests of files and of values."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError


def read_text(path: Path) -> str:
    """Reads a text file in UTF-8, with or without a byte order mark.

    Raises:
        MosforgeError: the file is missing, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MosforgeError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise MosforgeError(f"{path}: not a text file in UTF-8; save it as UTF-8") from None


def read_json(path: Path) -> Any:
    """Reads the value in a JSON file that a stage wrote.

    Raises:
        MosforgeError: the file is missing or damaged.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise MosforgeError(f"{path}: damaged JSON ({error}); delete it and run again") from None


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes `value` as indented JSON with sorted keys, whole or not at all."""
    with atomic_file(path) as temporary:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any, length: int = 16) -> str:
    """A short hexadecimal digest of a JSON value; equal values have equal digests on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]
