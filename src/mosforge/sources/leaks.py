"""The job `leaks`: one table of all images of a source that target datasets show, too."""

from pathlib import Path

import pandas as pd

from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.tables import read_table, write_table


def leaks(tables: list[Path], *, output: Path) -> None:
    """Puts into one table which images of a source some target dataset shows too.

    Args:
        tables: of the leaks into each dataset, Parquet.
        output: the joined table, Parquet. Its stamp does not name the tables, so a further dataset that shows
            none of the images changes no byte.
    """
    rows = pd.concat([read_table(table, LEAKS) for table in tables], ignore_index=True)
    rows = rows.sort_values(["image_id", "dataset"], ignore_index=True)
    write_table(output, LEAKS, rows, stage="sources", cfg={})
