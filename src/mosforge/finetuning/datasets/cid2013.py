"""CID2013 (Virtanen et al., IEEE TIP 24(1), 2015): scenes taken with many cameras, in six image sets.

The scores of the sets are comparable only after their realignment, which takes some below 0.
"""

import re
from collections.abc import Iterator

from mosforge.core.csv_files import number
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, read_sheet
from mosforge.finetuning.files import Folder

_SCORES = "CID2013 data - version 12112014.xlsx"
_SETS = {name: f"IS{place}" for place, name in enumerate(("I", "II", "III", "IV", "V", "VI"), start=1)}

LAYOUT = Layout(
    name="cid2013",
    images=474,
    contents=36,
    lowest=-10.0,
    highest=100.0,
    higher_is_better=True,
    required=((_SCORES,), *((name,) for name in _SETS.values())),
)

_NAME = re.compile(r"IS_(?P<set>[IV]+)_C(?P<scene>\d\d)_D\d\d", re.IGNORECASE)


def read(folder: Folder) -> Iterator[Row]:
    """The 474 images; those of one scene in one set show one content."""
    file = folder.first(_SCORES)
    for cell, score in read_sheet(file, ("Source_ID", "Realigned MOS"), sheet="CID2013 MOS"):
        match = _NAME.search(cell)
        if match is None or match["set"].upper() not in _SETS:
            raise MosforgeError(f"{file}: {cell!r} is not the name of an image of CID2013; get the file anew")
        place = f"{_SETS[match['set'].upper()]}/co{int(match['scene'])}"
        image = f"{place}/{match[0]}.jpg"
        yield Row(image=image, file=image, reference=place, mos=number(file, score, image))
