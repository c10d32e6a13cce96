"""LIVE In the Wild Image Quality Challenge Database (Ghadiyaram and Bovik, IEEE TIP 25(1), 2016).

The first 7 of its 1,169 rows are the pictures that the raters practised on; they are left out.
"""

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.common import find, read_mat, rows_frame
from mosforge.finetuning.registry import Folder, Options

_PRACTICE = 7


def read(folder: Folder, options: Options) -> pd.DataFrame:
    """Rows of the 1,162 pictures; see `common.COLUMNS`."""
    names_file, scores_file = (
        find(folder, "Data/AllImages_release.mat"),
        find(folder, "Data/AllMOS_release.mat"),
    )
    (names,) = read_mat(names_file, "AllImages_release")
    (scores,) = read_mat(scores_file, "AllMOS_release")
    if len(names) != len(scores):
        raise MosforgeError(
            f"{scores_file}: {len(scores)} scores for the {len(names)} names of {names_file.name}"
        )
    rows = list(zip(names, scores, strict=True))[_PRACTICE:]
    return rows_frame(
        {"image": name, "file": f"Images/{name}", "reference": name, "mos": score} for name, score in rows
    )
