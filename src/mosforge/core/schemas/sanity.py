"""What a model makes of images that no training has seen: undistorted, and of every type and level."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.predictions import RUN_COLUMNS

MODEL = tuple(
    field.with_nullable(field.name in ("dataset", "split"))
    for field in RUN_COLUMNS
    if field.name != "test_dataset"
)
"""What identifies a model; one that has seen no rated image has no dataset and no split."""

SANITY = Artefact(
    "sanity",
    *MODEL,
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "path of the pristine image below its source's folder"),
    column("type", pa.string(), "distortion type, or `undistorted`"),
    column("level", pa.int8(), "distortion level from 1 (weakest); 0: undistorted"),
    column("score", pa.float64(), "predicted quality, mean over crops, not clipped; higher is better"),
    column(
        "told_type",
        pa.string(),
        "type of the class that the model finds likeliest; none where it does not know exactly these classes",
        nullable=True,
    ),
    column("told_level", pa.int8(), "level of that class; 0: undistorted", nullable=True),
)
