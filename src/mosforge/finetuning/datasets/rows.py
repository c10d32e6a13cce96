"""What a reader makes of a label file: a row for each image, its score as a number."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mosforge.core.errors import MosforgeError


class Row(NamedTuple):
    """A scored image as its dataset describes it.

    Attributes:
        image: its name in the dataset.
        file: its path below the dataset's folder.
        reference: name of its content.
        mos: its score, in the dataset's own unit and direction.
        reference_file: path of its reference image below the dataset's folder.
        distortion_type: as the dataset names it.
        level: of the distortion.
        part: part of the official split: `train`, `validation` or `test`.
    """

    image: str
    file: str
    reference: str
    mos: float
    reference_file: str | None = None
    distortion_type: str | None = None
    level: int | None = None
    part: str | None = None


def number(file: Path, text: object, image: str) -> float:
    """A score as a number.

    Raises:
        MosforgeError: it is none; the message names the image.
    """
    try:
        return float(str(text))
    except ValueError:
        raise MosforgeError(f"{file}: the score of {image} is {text!r}, which is not a number") from None


def read_mat(file: Path, *variables: str) -> list[list[Any]]:
    """Vectors and cell arrays of a MATLAB file, each as a flat list.

    Raises:
        MosforgeError: not a MATLAB file of version 4 to 7.2, or a variable is missing.
    """
    from scipy.io import loadmat  # slow to import, and most layouts have no such file

    try:
        found = loadmat(str(file), squeeze_me=True)
    except NotImplementedError:
        raise MosforgeError(f"{file}: a MATLAB 7.3 file; put the official release's file there") from None
    except Exception as error:  # a damaged file makes the reader fail in many ways
        raise MosforgeError(f"{file}: not a MATLAB file that can be read ({error})") from None
    for name in variables:
        if name not in found:
            known = ", ".join(sorted(key for key in found if not key.startswith("__"))) or "none"
            raise MosforgeError(f"{file}: there is no variable {name}; the variables are: {known}")
    return [np.atleast_1d(found[name]).ravel().tolist() for name in variables]
