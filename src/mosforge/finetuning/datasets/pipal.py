"""PIPAL (Gu et al., ECCV 2020): the part with public scores, that is, its training part.

The scores are Elo ratings, which start at 1,400 and have no fixed ends; the declared range holds them all.
"""

import re
from collections.abc import Iterator

from mosforge.core.csv_files import number
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="pipal",
    images=23200,
    contents=200,
    lowest=800.0,
    highest=2000.0,
    higher_is_better=True,
    required=(("Train_Label",), ("Train_Ref",), ("Train_Dist", "Distortion_1", "Distortion1")),
    references=True,
)

_NAME = re.compile(r"(?P<content>A\d{4})_(?P<kind>\d\d)_(?P<number>\d\d)\.bmp", re.IGNORECASE)

_TYPES = (
    *("traditional distortion", "traditional super-resolution", "super-resolution by PSNR"),
    *("super-resolution with kernel mismatch", "super-resolution by GAN", "denoising"),
    "mixture of super-resolution and denoising",
)
"""In the order of the number in file names (paper, Table 2)."""

_PLACES = (
    "Train_Dist",
    *(f"{name}{number}" for name in ("Distortion_", "Distortion") for number in (1, 2, 3, 4)),
)
"""The distorted images come in four archives, which users unpack into one folder or into four."""


def read(folder: Folder) -> Iterator[Row]:
    """The 23,200 distorted images; a text file for each reference image lists its scores."""
    places = [name for name in _PLACES if folder.find(name)]
    for file in sorted(folder.first("Train_Label").glob("*.txt")):
        for line in file.read_text(encoding="ascii", errors="replace").split():
            image, _, score = line.partition(",")
            match = _NAME.fullmatch(image)
            if match is None or int(match["kind"]) >= len(_TYPES):
                raise MosforgeError(f"{file}: {line!r} is not an image's name and a score; get the file anew")
            found = (f"{place}/{image}" for place in places if folder.find(f"{place}/{image}"))
            yield Row(
                image=image,
                file=next(found, f"{places[0]}/{image}"),
                reference=match["content"],
                reference_file=f"Train_Ref/{match['content']}.bmp",
                mos=number(file, score, image),
                distortion_type=_TYPES[int(match["kind"])],
            )
