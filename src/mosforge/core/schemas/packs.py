"""The index of a pack: where in it the pixels of each image lie."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

PACK = Artefact(
    "pack",
    column("path", pa.string(), "path of the image: key of the table that holds its labels"),
    column("file", pa.string(), "file of pixels that holds the image"),
    column("offset", pa.int64(), "first byte of the image in that file"),
    column("height", pa.int32(), "pixels"),
    column("width", pa.int32(), "pixels"),
    column("sha256", pa.string(), "SHA-256 of the image's pixels"),
)
