"""The pristine images that are used: those in the catalogues of their sources.

The shards of a source are distorted before anyone has looked at all of them, so they may hold equal files.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.tables import Frame, read_table


def only_catalogued(rows: Frame, catalogues: Sequence[Path]) -> Frame:
    """The rows whose pristine image is in a catalogue.

    Args:
        rows: with the columns `source` and `image_id`.
        catalogues: Parquet (artefact `catalogue`), of all sources of the rows.

    Raises:
        MosforgeError: a catalogue is missing or damaged.
    """
    keys = ["source", "image_id"]
    used = pd.concat([read_table(file, CATALOGUE)[keys] for file in catalogues])
    is_used = pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(used))
    return rows[is_used].reset_index(drop=True)
