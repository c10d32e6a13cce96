"""The Parquet artefacts: their names, columns and types; one module for what is read together.

A job imports the modules of the artefacts that it reads and writes, and no other, so that a change to one
artefact concerns these jobs only. What a column holds is in its metadata, under `about`.

Paths in tables are POSIX paths relative to the working directory of the run (the folder that holds
`results/`), unless the configuration gave an absolute folder.
"""

import pyarrow as pa


class Artefact:
    """A kind of table: its name, which every such file carries, and its columns in order."""

    def __init__(self, name: str, *columns: pa.Field) -> None:
        self.name = name
        self.schema = pa.schema(columns)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.schema.names)


def column(name: str, kind: pa.DataType, about: str, *, nullable: bool = False) -> pa.Field:
    """A column and, in `about`, what it holds; without `nullable` every row has a value."""
    return pa.field(name, kind, nullable=nullable, metadata={"about": about})
