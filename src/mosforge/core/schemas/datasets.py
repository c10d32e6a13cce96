"""A rated dataset in one form for all, and its splits."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

DATASET = Artefact(
    "dataset",
    column("image", pa.string(), "name of the image in the dataset; unique"),
    column("path", pa.string(), "path of the file"),
    column("reference", pa.string(), "name of the image's content; equal names stay together"),
    column("reference_path", pa.string(), "file of the reference image", nullable=True),
    column("mos", pa.float64(), "given score, in the dataset's own unit and direction"),
    column("quality", pa.float64(), "given score, mapped to [0, 1], higher is better"),
    column("distortion_type", pa.string(), "as the dataset names it", nullable=True),
    column("level", pa.int8(), "distortion level", nullable=True),
    column("part", pa.string(), "part of the dataset's official split", nullable=True),
)

SPLIT = Artefact(
    "split",
    column("image", pa.string(), "name of the image in the dataset"),
    column("reference", pa.string(), "name of the image's content"),
    column("part", pa.string(), "`train`, `validation` or `test`"),
)
