"""KonIQ-10k (Hosu et al., IEEE TIP 29, 2020).

There are two label files: one with the official split and scores on 0-100 in `MOS`, and an older one
without a split, whose `MOS` is on 1-5 and whose `MOS_zscore` is the other's `MOS`.
"""

from collections.abc import Iterator

from mosforge.core.csv_files import number, read_csv
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="koniq10k",
    images=10073,
    contents=10073,
    # The file with means on 1-5 has the same scores on 0-100 in its column MOS_zscore.
    lowest=0.0,
    highest=100.0,
    higher_is_better=True,
    required=(
        ("koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv"),
        ("1024x768", "512x384"),
    ),
)

_PARTS = {"training": "train", "validation": "validation", "test": "test"}


def read(folder: Folder) -> Iterator[Row]:
    """The 10,073 images; where both sizes exist, the larger ones."""
    file = folder.first("koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv")
    has_split = "sets" in file.name.casefold()
    needed = ("image_name", "MOS", "set") if has_split else ("image_name", "MOS_zscore")
    images = folder.first("1024x768", "512x384").name
    for row in read_csv(file, needed):
        name, part = row["image_name"], row.get("set")
        if has_split and part not in _PARTS:
            raise MosforgeError(f"{file}: the set of {name} is {part!r}; it must be {', '.join(_PARTS)}")
        yield Row(
            image=name,
            file=f"{images}/{name}",
            reference=name,
            mos=number(file, row["mos" if has_split else "mos_zscore"], name),
            part=_PARTS[part] if has_split and part is not None else None,
        )
