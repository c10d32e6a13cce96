"""The job `leaks`: one table of all images of a source that target datasets show, too."""

from pathlib import Path

import pandas as pd

from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.tables import read_table, write_table


def leaks(tables: list[Path], *, output: Path) -> None:
    """Writes one table of the images of a source that a target dataset shows, too.

    Args:
        tables: a table of leaks for each dataset, Parquet; none if the source is compared with no dataset.
        output: the joined table, Parquet. Its stamp does not name the tables, so a further dataset that shows
            none of the images changes no byte.
    """
    found = [read_table(table, LEAKS) for table in tables]
    rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=LEAKS.columns)
    rows = rows.sort_values(["image_id", "dataset"], ignore_index=True)
    write_table(output, LEAKS, rows, stage="sources", cfg={})
