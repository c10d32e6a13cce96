"""The images of a source that show what an image of a target dataset shows."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

LEAKS = Artefact(
    "leaks",
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "the source's image: its path below the source's folder"),
    column("dataset", pa.string(), "target dataset that has an image with the same content"),
    column("image", pa.string(), "the dataset's image: its name there, or the path of its reference"),
    column("matches", pa.int32(), "number of keypoints at the same place in both images"),
    column(
        "scale",
        pa.float64(),
        "size of the common content in the dataset's image, relative to the source's image, "
        "both scaled to one length",
    ),
    column("mirrored", pa.bool_(), "whether one image is the other mirrored left to right"),
    column("correlation", pa.float64(), "correlation of the pixels where the two images overlap"),
)
