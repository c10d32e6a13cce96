"""SPAQ (Fang et al., CVPR 2020): images taken with smartphones."""

from collections.abc import Iterator

from mosforge.core.csv_files import number
from mosforge.finetuning.datasets.base import Layout, Row, read_sheet
from mosforge.finetuning.files import Folder

_SCORES = ("Annotations/MOS and Image attribute scores.xlsx", "MOS and Image attribute scores.xlsx")

LAYOUT = Layout(
    name="spaq",
    images=11125,
    contents=11125,
    lowest=0.0,
    highest=100.0,
    higher_is_better=True,
    required=(_SCORES, ("TestImage",)),
)


def read(folder: Folder) -> Iterator[Row]:
    """The 11,125 images; their contents are not known, so each is one of its own."""
    file = folder.first(*_SCORES)
    for image, score in read_sheet(file, ("Image name", "MOS")):
        yield Row(image=image, file=f"TestImage/{image}", reference=image, mos=number(file, score, image))
