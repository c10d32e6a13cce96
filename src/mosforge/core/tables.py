"""Parquet artefacts: the one way to write and to read them.

Every file carries, in the metadata key `mosforge`, the artefact's name, the stage, the package version
and the parameters that made it; see `stamps`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mosforge import __version__
from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas import Artefact
from mosforge.core.stamps import add_stamp, explain_unreadable, to_delete

Frame = pd.DataFrame


def write_table(
    path: str | os.PathLike[str],
    artefact: Artefact,
    rows: Frame | Mapping[str, Any],
    *,
    stage: str,
    cfg: Any,
    device: str | None = None,
) -> None:
    """Writes `rows` as a Parquet artefact, whole or not at all.

    Args:
        path: the file.
        artefact: what it is; see `schemas`.
        rows: a frame, or columns by name, in any order; nullable columns may be left out.
        stage: the stage that writes.
        cfg: the parameters that made it, any JSON value.
        device: what it was computed on, where the result depends on that; see `models.devices`.

    Raises:
        ValueError: a column is missing, is unknown, or has an empty cell that its schema does not allow.
    """
    schema = artefact.schema
    columns = rows if isinstance(rows, Frame) else pd.DataFrame(dict(rows))
    unknown = set(columns.columns) - set(schema.names)
    if unknown:
        raise ValueError(f"columns that the artefact {artefact.name!r} does not have: {sorted(unknown)}")
    missing = [field.name for field in schema if field.name not in columns and not field.nullable]
    if missing and len(columns):
        raise ValueError(f"columns that the artefact {artefact.name!r} needs are missing: {missing}")
    arrays = [
        _array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(len(columns), field.type)
        for field in schema
    ]
    signed = add_stamp(schema, artefact.name, stage=stage, cfg=cfg, device=device)
    with atomic_file(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=signed), temporary, compression="zstd")


def _array(values: "pd.Series[Any]", kind: pa.DataType) -> pa.Array:
    cells = values.tolist() if values.dtype == object or values.empty else values
    return pa.array(cells, type=kind, from_pandas=True)


def read_table(path: str | os.PathLike[str], artefact: Artefact) -> Frame:
    """Reads a Parquet artefact and checks that it is one.

    Integer columns that may be empty come back as pandas' nullable integers.

    Raises:
        MosforgeError: the file is missing, damaged, or another artefact.
    """
    with explain_unreadable(path):
        table = pq.read_table(Path(path), partitioning=None)
    if not table.schema.equals(artefact.schema, check_metadata=False):
        reason = f"not a {artefact.name} table of mosforge {__version__}"
        raise MosforgeError(f"{path}: {reason}; delete {to_delete(path)} and run again")
    nullable = {pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype()}
    frame: Frame = table.to_pandas(types_mapper=nullable.get)
    return frame
