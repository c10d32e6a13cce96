"""What jobs have recorded in tables that are looked at while planning."""

import contextlib
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError


def recorded_rows(table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The cells of some columns of a Parquet table, row by row; none where it is not there, or is another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # not `read_table`, which imports pandas
    with contextlib.suppress(OSError, pa.ArrowException, KeyError), pq.ParquetFile(table) as file:
        found = file.read(columns=list(columns)).to_pydict()
        return list(zip(*(found[column] for column in columns), strict=True))
    return []


def recorded_settings(table: Path) -> dict[str, Any] | None:
    """The settings of the job that wrote a table; None where it is not there, or is no table of a job."""
    from mosforge.core.stamps import read_stamp

    try:
        found: dict[str, Any] = read_stamp(table)["cfg"]
    except MosforgeError:
        return None
    return found
