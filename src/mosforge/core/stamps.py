"""The stamp of a Parquet artefact: what made it. And why a file is not a readable artefact.

Planning reads stamps each time that the workflow starts: this module reads no rows and does without pandas.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mosforge import __version__
from mosforge.core.errors import MosforgeError, first_line

MANIFEST_NAME = "manifest.parquet"
"""File name of the table in a shard's folder."""

_KEY = "mosforge"


def add_stamp(
    schema: pa.Schema, artefact: str, *, stage: str, cfg: Any, device: str | None = None
) -> pa.Schema:
    """Adds the stamp to the metadata of a schema; see `tables.write_table`."""
    made = {"artefact": artefact, "stage": stage, "version": __version__, "cfg": cfg}
    made |= {"device": device} if device else {}
    return schema.with_metadata({_KEY: json.dumps(made, sort_keys=True)})


def read_stamp(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads what made an artefact: `artefact` (its name), `stage`, `version`, `cfg` (the parameters) and, if
    the result depends on it, `device`.

    Raises:
        MosforgeError: the file is missing, damaged, or not an artefact.
    """
    with explain_unreadable(path):
        metadata = pq.read_schema(path).metadata or {}
    if _KEY.encode() not in metadata:
        raise MosforgeError(f"{path}: not written by mosforge; delete it and run the stage that writes it")
    made: dict[str, Any] = json.loads(metadata[_KEY.encode()])
    return made


@contextlib.contextmanager
def explain_unreadable(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns the errors of pyarrow into one that says why a file cannot be read and what to do."""
    try:
        yield
    except FileNotFoundError:
        unfinished_shard = Path(path).name == MANIFEST_NAME and Path(path).parent.is_dir()
        todo = "delete its folder and run again" if unfinished_shard else "run the stage that writes it"
        raise MosforgeError(f"{path}: no such file; {todo}") from None
    except (pa.ArrowException, OSError) as error:
        reason = f"not a readable Parquet file ({first_line(error)})"
        raise MosforgeError(f"{path}: {reason}; delete {to_delete(path)} and run again") from None


def to_delete(path: str | os.PathLike[str]) -> str:
    """What a user deletes so that an artefact is made again: a shard is made as a whole."""
    return "its folder" if Path(path).name == MANIFEST_NAME else "it"
