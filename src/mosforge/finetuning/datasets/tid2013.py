"""TID2013 (Ponomarenko et al., Signal Processing: Image Communication 30, 2015).

The case of file names varies (`I01.BMP`, `i25.bmp`, `i01_01_1.bmp`); reference 25 is computer-generated.
"""

import re
from collections.abc import Iterator

from mosforge.core.csv_files import number
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets.base import Layout, Row
from mosforge.finetuning.files import Folder

LAYOUT = Layout(
    name="tid2013",
    images=3000,
    contents=25,
    lowest=0.0,
    highest=9.0,
    higher_is_better=True,
    required=(("mos_with_names.txt",), ("distorted_images",), ("reference_images",)),
    references=True,
)

_NAME = re.compile(r"i(?P<content>\d\d)_(?P<kind>\d\d)_(?P<level>\d)\.bmp", re.IGNORECASE)

# in the order of the type's number in file names, as the dataset's readme calls them
_TYPES = (
    *("Additive Gaussian noise", "Additive noise in color components", "Spatially correlated noise"),
    *("Masked noise", "High frequency noise", "Impulse noise", "Quantization noise", "Gaussian blur"),
    *("Image denoising", "JPEG compression", "JPEG2000 compression", "JPEG transmission errors"),
    *("JPEG2000 transmission errors", "Non eccentricity pattern noise"),
    *("Local block-wise distortions of different intensity", "Mean shift (intensity shift)"),
    *("Contrast change", "Change of color saturation", "Multiplicative Gaussian noise", "Comfort noise"),
    *("Lossy compression of noisy images", "Image color quantization with dither", "Chromatic aberrations"),
    *("Sparse sampling and reconstruction",),
)


def read(folder: Folder) -> Iterator[Row]:
    """The 3,000 distorted images."""
    file = folder.first("mos_with_names.txt")
    for line in file.read_text(encoding="ascii", errors="replace").splitlines():
        if not line.strip():
            continue
        score, _, image = line.strip().partition(" ")
        match = _NAME.fullmatch(image.strip())
        if match is None or not 1 <= int(match["kind"]) <= len(_TYPES):
            raise MosforgeError(
                f"{file}: {line.strip()!r} is not a score and an image's name; get the file anew"
            )
        yield Row(
            image=match[0],
            file=f"distorted_images/{match[0]}",
            reference=f"I{match['content']}",
            reference_file=f"reference_images/I{match['content']}.BMP",
            mos=number(file, score, match[0]),
            distortion_type=_TYPES[int(match["kind"]) - 1],
            level=int(match["level"]),
        )
