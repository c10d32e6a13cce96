"""LIVE In the Wild Image Quality Challenge Database (Ghadiyaram and Bovik, IEEE TIP 25(1), 2016).

The first 7 of its 1,169 rows are the images that the raters practised on; they are left out.
"""

from collections.abc import Iterator

from mosforge.finetuning.datasets.base import Layout, Row, read_pairs
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="livec",
    images=1162,
    contents=1162,
    lowest=0.0,
    highest=100.0,
    higher_is_better=True,
    required=(("Data/AllImages_release.mat",), ("Data/AllMOS_release.mat",), ("Images",)),
)

_PRACTICE = 7


def read(folder: Folder) -> Iterator[Row]:
    """The 1,162 images."""
    names = folder.first("Data/AllImages_release.mat"), "AllImages_release"
    scores = folder.first("Data/AllMOS_release.mat"), "AllMOS_release"
    for name, score in read_pairs(names, scores)[_PRACTICE:]:
        yield Row(image=name, file=f"Images/{name}", reference=name, mos=score)
