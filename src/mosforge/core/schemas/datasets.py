"""A rated dataset in one form for all, and its splits."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

CONTENT = column(
    "content",
    pa.string(),
    "name of the content that was found: images of one scene have one name, also where the dataset gives "
    "them several",
)

CLEAN = column(
    "clean",
    pa.bool_(),
    "of a test image: whether no image that is trained on shows its content; true for the others, and none "
    "where contents were not compared",
    nullable=True,
)

DATASET = Artefact(
    "dataset",
    column("image", pa.string(), "name of the image in the dataset; unique"),
    column("path", pa.string(), "path of the file"),
    column("reference", pa.string(), "name of the image's content; equal names stay together"),
    column("reference_path", pa.string(), "file of the reference image", nullable=True),
    column("mos", pa.float64(), "given score, in the dataset's own unit and direction"),
    column("quality", pa.float64(), "given score, mapped to [0, 1], higher is better"),
    column(
        "distortion_type",
        pa.string(),
        "as the dataset names it; of a user's table, the column `group`",
        nullable=True,
    ),
    column("level", pa.int8(), "distortion level", nullable=True),
    column("part", pa.string(), "part of the dataset's official split", nullable=True),
)

CONTENTS = Artefact(
    "contents",
    column("image", pa.string(), "name of the image in the dataset"),
    column("reference", pa.string(), "name of the image's content, as the dataset gives it"),
    CONTENT,
    column(
        "twin",
        pa.string(),
        "the image with the same content that agrees best with this one, or the path of that reference image",
        nullable=True,
    ),
    column(
        "correlation", pa.float64(), "correlation of the pixels where the two images overlap", nullable=True
    ),
)

SPLIT = Artefact(
    "split",
    column("image", pa.string(), "name of the image in the dataset"),
    column("reference", pa.string(), "name of the image's content, as the dataset gives it"),
    CONTENT,
    column(
        "part",
        pa.string(),
        "`train`, `validation` or `test`; `unrated` where a budget of ratings leaves an image out",
    ),
    CLEAN,
)

FILES_OF_DATASET = Artefact(
    "dataset files",
    column("path", pa.string(), "path of an image or of a reference image"),
    column("sha256", pa.string(), "SHA-256 of the file's bytes when the dataset's table was written"),
)
