"""The distorted images of a shard, and the keys that follow an image through the stages."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

UNDISTORTED = "undistorted"
"""The group of the pristine images themselves, where they are a class. It has one level."""


def class_name(type_: str, level: int | None) -> str:
    """The name of a distortion class in lists of classes.

    Args:
        type_: distortion type, or `UNDISTORTED`.
        level: from 1 (weakest); none for a class that stands for the type at any level. That of an
            undistorted image is not in the name.
    """
    return type_ if level is None or type_ == UNDISTORTED else f"{type_} {level}"


KEYS = (
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "path of the pristine image below its source's folder"),
    column("reference", pa.string(), "path of the pristine image"),
    column("group", pa.string(), "distortion type, or `authentic` for mixtures"),
    column("level", pa.int8(), "distortion level from 1 (weakest); none for mixtures", nullable=True),
    column("class_index", pa.int16(), "index in the class table; none for mixtures", nullable=True),
    column("labels", pa.list_(pa.uint8()), "bits of the class table, for mixtures only", nullable=True),
    column("seed", pa.int64(), "seed of the image's random draws"),
    column("path", pa.string(), "path of the distorted image; unique in a corpus"),
)

MANIFEST = Artefact(
    "manifest",
    *KEYS,
    column("width", pa.int32(), "pixels"),
    column("height", pa.int32(), "pixels"),
    column("bytes", pa.int64(), "size of the file"),
    column("sha256", pa.string(), "SHA-256 of the file's bytes"),
)
