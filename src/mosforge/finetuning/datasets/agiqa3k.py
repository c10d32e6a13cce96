"""AGIQA-3K (Li et al., IEEE TCSVT 34(8), 2024): images of text-to-image models; the scores of quality.

Its second score, the agreement with the prompt, is not used.
"""

from collections.abc import Iterator

from mosforge.core.csv_files import number, read_csv
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

_IMAGES = ("images", "AGIQA-3K")

LAYOUT = Layout(
    name="agiqa3k",
    images=2982,
    contents=0,  # one for each prompt
    lowest=0.0,
    highest=5.0,
    higher_is_better=True,
    required=(("data.csv",), _IMAGES),
)


def read(folder: Folder) -> Iterator[Row]:
    """The 2,982 images; those of one prompt are of one content."""
    file, images = folder.first("data.csv"), folder.first(*_IMAGES).name
    for row in read_csv(file, ("name", "prompt", "mos_quality")):
        image = row["name"]
        yield Row(
            image=image,
            file=f"{images}/{image}",
            reference=row["prompt"] or image,
            mos=number(file, row["mos_quality"], image),
        )
