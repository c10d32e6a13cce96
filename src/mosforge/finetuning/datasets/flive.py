"""FLIVE, also known as PaQ-2-PiQ and LIVE-FB (Ying et al., CVPR 2020): the scores of whole images.

Its paper counts 39,810 images, and copies of the release differ by a few, so that the number is not checked.
"""

from collections.abc import Iterator

from mosforge.core.csv_files import number, read_csv
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="flive",
    images=0,
    contents=0,
    lowest=0.0,
    highest=100.0,
    higher_is_better=True,
    required=(("labels_image.csv",),),
)


def read(folder: Folder) -> Iterator[Row]:
    """The images of `labels_image.csv`; they lie in `database`, or directly in the folder."""
    file = folder.first("labels_image.csv")
    below = "database/" if folder.find("database") else ""
    for row in read_csv(file, ("name", "mos")):
        image = row["name"]
        yield Row(image=image, file=f"{below}{image}", reference=image, mos=number(file, row["mos"], image))
