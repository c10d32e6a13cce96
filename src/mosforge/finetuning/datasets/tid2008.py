"""TID2008 (Ponomarenko et al., Advances of Modern Radioelectronics 10, 2009).

Its successor TID2013 has the same reference images, these 17 types under the same numbers, and five levels.
"""

from collections.abc import Iterator

from mosforge.finetuning.datasets import tid2013
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="tid2008",
    images=1700,
    contents=25,
    lowest=0.0,
    highest=9.0,
    higher_is_better=True,
    required=tid2013.LAYOUT.required,
    references=True,
)


def read(folder: Folder) -> Iterator[Row]:
    """The 1,700 distorted images."""
    return tid2013.read(folder)
