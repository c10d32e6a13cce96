"""BIQ2021 (Ahmed and Asif, J. Electronic Imaging 31(5), 2022), with its official split."""

from collections.abc import Iterator

from mosforge.core.csv_files import number, read_csv
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

_PARTS = {"Train (Images and MOS).csv": "train", "Test (Images and MOS).csv": "test"}

LAYOUT = Layout(
    name="biq2021",
    images=12000,
    contents=12000,
    lowest=0.0,
    highest=1.0,
    higher_is_better=True,
    required=(*((name,) for name in _PARTS), ("Images",)),
)


def read(folder: Folder) -> Iterator[Row]:
    """The 12,000 images."""
    for name, part in _PARTS.items():
        file = folder.first(name)
        for row in read_csv(file, ("Image Name", "MOS")):
            image = row["image name"]
            yield Row(
                image=image,
                file=f"Images/{image}",
                reference=image,
                mos=number(file, row["mos"], image),
                part=part,
            )
