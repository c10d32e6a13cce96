"""LIVE Multiply Distorted (Jayaraman et al., Asilomar 2012).

Part 1 has blur followed by JPEG, part 2 blur followed by noise. Images with only one of the two are in the
parts, too, and those with blur alone were rated in both.
"""

import re
from collections.abc import Iterator

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, read_pairs
from mosforge.finetuning.files import Folder

_PARTS = {"Part 1": "blurjpeg", "Part 2": "blurnoise"}

LAYOUT = Layout(
    name="livemd",
    images=450,
    contents=15,
    lowest=0.0,
    highest=100.0,
    higher_is_better=False,
    required=tuple(
        (f"{part}/{name}",)
        for part, images in _PARTS.items()
        for name in ("Imagelists.mat", "Scores.mat", images)
    ),
    references=True,
)

_NAME = re.compile(r"(?P<content>[^_]+)_(?P<kinds>\w+)\.bmp", re.IGNORECASE)


def read(folder: Folder) -> Iterator[Row]:
    """The 450 distorted images of both parts."""
    for part, images in _PARTS.items():
        lists, scores = folder.first(f"{part}/Imagelists.mat"), folder.first(f"{part}/Scores.mat")
        for name, score in read_pairs((lists, "distimgs"), (scores, "DMOSscores")):
            match = _NAME.fullmatch(name)
            if match is None:
                raise MosforgeError(f"{lists}: {name!r} is not the name of an image; get the file anew")
            yield Row(
                image=f"{part}/{name}",
                file=f"{part}/{images}/{name}",
                reference=match["content"],
                reference_file=f"{part}/{images}/{match['content']}.bmp",
                mos=score,
                distortion_type=re.sub(r"\d", "", match["kinds"]),
            )
