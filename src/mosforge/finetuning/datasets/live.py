"""LIVE release 2 (Sheikh et al., IEEE TIP 15(11), 2006), with the realigned DMOS.

The label files hold 982 rows, in the order of the five folders; those that are undistorted copies of
a reference (`orgs`) are no test pictures, which leaves 779.
"""

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.common import find, read_mat, rows_frame
from mosforge.finetuning.registry import Folder, Options

_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}


def read(folder: Folder, options: Options) -> pd.DataFrame:
    """Rows of the 779 distorted pictures; see `common.COLUMNS`."""
    scores_file, names_file = find(folder, "dmos_realigned.mat"), find(folder, "refnames_all.mat")
    scores, originals = read_mat(scores_file, "dmos_new", "orgs")
    (references,) = read_mat(names_file, "refnames_all")
    places = [(kind, number) for kind, count in _FOLDERS.items() for number in range(1, count + 1)]
    for file, values in ((scores_file, scores), (scores_file, originals), (names_file, references)):
        if len(values) != len(places):
            raise MosforgeError(f"{file}: {len(values)} rows where LIVE has {len(places)}; get the file anew")
    return rows_frame(
        {
            "image": f"{kind}/img{number}.bmp",
            "file": f"{kind}/img{number}.bmp",
            "reference": reference.lower(),
            "reference_file": f"refimgs/{reference}",
            "mos": score,
            "distortion_type": kind,
        }
        for (kind, number), score, original, reference in zip(
            places, scores, originals, references, strict=True
        )
        if not original
    )
