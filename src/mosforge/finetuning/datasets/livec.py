"""LIVE In the Wild Image Quality Challenge Database (Ghadiyaram and Bovik, IEEE TIP 25(1), 2016).

The first 7 of its 1,169 rows are the images that the raters practised on; they are left out.
"""

from collections.abc import Iterator

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, read_mat
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
    names_file = folder.first("Data/AllImages_release.mat")
    scores_file = folder.first("Data/AllMOS_release.mat")
    (names,) = read_mat(names_file, "AllImages_release")
    (scores,) = read_mat(scores_file, "AllMOS_release")
    if len(names) != len(scores):
        raise MosforgeError(
            f"{scores_file}: {len(scores)} scores for the {len(names)} names of {names_file.name}"
        )
    for name, score in list(zip(names, scores, strict=True))[_PRACTICE:]:
        yield Row(image=name, file=f"Images/{name}", reference=name, mos=score)
