"""CSIQ (Larson and Chandler, J. Electronic Imaging 19(1), 2010).

The sheet `all_by_image` of the workbook holds type and level, below a header that does not begin in the first
row or column; the file names mix upper and lower case.
"""

from collections.abc import Iterator

from mosforge.core.csv_files import number
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row, read_sheet
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="csiq",
    images=866,
    contents=30,
    lowest=0.0,
    highest=1.0,
    higher_is_better=False,
    required=(("csiq.DMOS.xlsx", "csiq.beta.xlsx"), ("src_imgs",), ("dst_imgs",)),
    references=True,
)

# the type in the sheet -> its folder and its word in file names
_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}
_COLUMNS = ("image", "dst_type", "dst_lev", "dmos")


def read(folder: Folder) -> Iterator[Row]:
    """The 866 distorted images."""
    file = folder.first("csiq.DMOS.xlsx", "csiq.beta.xlsx")
    for content, kind, level, score in read_sheet(file, _COLUMNS, sheet="all_by_image"):
        if kind not in _TYPES or not level.isdecimal():
            known = f"type {kind!r} and level {level!r} are none of CSIQ's"
            raise MosforgeError(f"{file}: {known}; get the file anew")
        place, word = _TYPES[kind]
        image = f"{content}.{word}.{level}.png"
        yield Row(
            image=image,
            file=f"dst_imgs/{place}/{image}",
            reference=content,
            reference_file=f"src_imgs/{content}.png",
            mos=number(file, score, image),
            distortion_type=kind,
            level=int(level),
        )
