"""The stamp of a Parquet artefact, which says what made it, and the sentences about a file that is none.

Planning reads stamps each time that the workflow starts, so neither pandas nor any row comes into it.
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
from mosforge.core.errors import MosforgeError

MANIFEST = "manifest.parquet"
"""Name of the table in a shard's folder."""

_KEY = "mosforge"


def stamped(
    schema: pa.Schema, artefact: str, *, stage: str, cfg: Any, device: str | None = None
) -> pa.Schema:
    """A schema with the stamp in its metadata; see `tables.write_table`."""
    made = {"artefact": artefact, "stage": stage, "version": __version__, "cfg": cfg}
    made |= {"device": device} if device else {}
    return schema.with_metadata({_KEY: json.dumps(made, sort_keys=True)})


def made_by(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What made an artefact: `artefact` (its name), `stage`, `version`, `cfg` (the parameters) and, where it
    says so, `device`.

    Raises:
        MosforgeError: the file is missing, damaged, or not an artefact.
    """
    with told_in_a_sentence(path):
        metadata = pq.read_schema(path).metadata or {}
    if _KEY.encode() not in metadata:
        raise MosforgeError(f"{path}: not written by mosforge; delete it and run the stage that writes it")
    made: dict[str, Any] = json.loads(metadata[_KEY.encode()])
    return made


@contextlib.contextmanager
def told_in_a_sentence(path: str | os.PathLike[str]) -> Iterator[None]:
    """Says why a Parquet file cannot be read, and what to do, in the place of pyarrow's error."""
    try:
        yield
    except FileNotFoundError:
        half_a_shard = Path(path).name == MANIFEST and Path(path).parent.is_dir()
        todo = "delete its folder and run again" if half_a_shard else "run the stage that writes it"
        raise MosforgeError(f"{path}: no such file; {todo}") from None
    except (pa.ArrowException, OSError) as error:
        reason = f"not a readable Parquet file ({str(error).splitlines()[0]})"
        raise MosforgeError(f"{path}: {reason}; delete {what_to_delete(path)} and run again") from None


def what_to_delete(path: str | os.PathLike[str]) -> str:
    """What to delete, so that an artefact is made again: a shard is made as a whole."""
    return "its folder" if Path(path).name == MANIFEST else "it"
