"""KonIQ-10k (Hosu et al., IEEE TIP 29, 2020).

Two label files are about: one with the official split and scores on 0-100 in `MOS`, an older one
without a split, whose `MOS` is on 1-5 and whose `MOS_zscore` is the other's `MOS`.
"""

import pandas as pd

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.common import find, number, read_csv, rows_frame
from mosforge.finetuning.registry import Folder, Options

_PARTS = {"training": "train", "validation": "validation", "test": "test"}


def read(folder: Folder, options: Options) -> pd.DataFrame:
    """Rows of the 10,073 pictures; see `common.COLUMNS`. The larger pictures are taken if both are there."""
    file = find(folder, "koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv")
    has_split = "sets" in file.name.casefold()
    needed = ("image_name", "MOS", "set") if has_split else ("image_name", "MOS_zscore")
    pictures = find(folder, "1024x768", "512x384").name
    rows = []
    for row in read_csv(file, needed):
        name, part = row["image_name"], row.get("set")
        if has_split and part not in _PARTS:
            raise MosforgeError(f"{file}: the set of {name} is {part!r}; it must be {', '.join(_PARTS)}")
        rows.append(
            {
                "image": name,
                "file": f"{pictures}/{name}",
                "reference": name,
                "mos": number(file, row["mos" if has_split else "mos_zscore"], name),
                "part": _PARTS[part] if has_split and part is not None else None,
            }
        )
    return rows_frame(rows)
