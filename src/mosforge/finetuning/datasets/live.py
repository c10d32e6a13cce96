"""LIVE release 2 (Sheikh et al., IEEE TIP 15(11), 2006), with the realigned DMOS.

The label files hold 982 rows, in the order of the five folders. Of these, 203 are copies of a reference
image (`orgs`) and are left out.
"""

from collections.abc import Iterator

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, read_mat
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="live",
    images=779,
    contents=29,
    # The realigned DMOS run past both ends of the nominal 0-100: -2.64 to 111.77 as published.
    # The declared range holds them all, so that no two of them are clipped to the same quality.
    lowest=-3.0,
    highest=112.0,
    higher_is_better=False,
    required=(
        ("dmos_realigned.mat",),
        ("refnames_all.mat",),
        ("refimgs",),
        *((name,) for name in ("jp2k", "jpeg", "wn", "gblur", "fastfading")),
    ),
    references=True,
)

_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}


def read(folder: Folder) -> Iterator[Row]:
    """The 779 distorted images."""
    scores_file, names_file = folder.first("dmos_realigned.mat"), folder.first("refnames_all.mat")
    scores, copies = read_mat(scores_file, "dmos_new", "orgs")
    (references,) = read_mat(names_file, "refnames_all")
    places = [(kind, number) for kind, count in _FOLDERS.items() for number in range(1, count + 1)]
    for file, values in ((scores_file, scores), (scores_file, copies), (names_file, references)):
        if len(values) != len(places):
            raise MosforgeError(f"{file}: {len(values)} rows where LIVE has {len(places)}; get the file anew")
    for (kind, number), score, is_copy, reference in zip(places, scores, copies, references, strict=True):
        if not is_copy:
            image = f"{kind}/img{number}.bmp"
            yield Row(
                image=image,
                file=image,
                reference=reference.lower(),
                reference_file=f"refimgs/{reference}",
                mos=score,
                distortion_type=kind,
            )
