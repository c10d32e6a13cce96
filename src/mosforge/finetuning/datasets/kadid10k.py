"""KADID-10k (Lin, Hosu and Saupe, QoMEX 2019). Its `dmos` is higher-is-better."""

import re
from collections.abc import Iterator

from mosforge.core.csv_files import number, read_csv
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="kadid10k",
    images=10125,
    contents=81,
    lowest=1.0,
    highest=5.0,
    # The file names them dmos, but 5 is "imperceptible" and 1 "very annoying".
    higher_is_better=True,
    required=(("dmos.csv",), ("images",)),
    references=True,
)

_NAME = re.compile(r"i\d\d_(?P<kind>\d\d)_(?P<level>\d\d)\.png", re.IGNORECASE)

# in the order of the type's number in file names, as the dataset's tables call them
_TYPES = (
    *("GBLUR", "Lens_Blur", "Motion_Blur", "Color_Diffusion", "Color_Shift", "Color_Quantization"),
    *("Saturation_Dist._HSV", "Saturation_Dist._Lab", "JP2K", "JPEG", "AWGN", "AWGN_YCbCr", "Impulse_Noise"),
    *("Multiplicative_Noise", "Denoising", "Brighten", "Darken", "Mean_Shift", "Jitter"),
    *("Non-eccentricity_patch", "Pixelate", "Quantization", "Color_Block", "High_Sharpen", "Contrast Dist."),
)


def read(folder: Folder) -> Iterator[Row]:
    """The 10,125 distorted images."""
    file = folder.first("dmos.csv")
    for row in read_csv(file, ("dist_img", "ref_img", "dmos")):
        image = row["dist_img"]
        match = _NAME.fullmatch(image)
        if match is None or not 1 <= int(match["kind"]) <= len(_TYPES):
            raise MosforgeError(f"{file}: {image!r} is not the name of a KADID-10k image; get the file anew")
        yield Row(
            image=image,
            file=f"images/{image}",
            reference=row["ref_img"].upper().removesuffix(".PNG"),
            reference_file=f"images/{row['ref_img']}",
            mos=number(file, row["dmos"], image),
            distortion_type=_TYPES[int(match["kind"]) - 1],
            level=int(match["level"]),
        )
