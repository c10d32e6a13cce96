"""The images of a target dataset, as metrics, BRISQUE and frozen networks see them."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.metrics import SCORES

TARGET_SCORES = Artefact(
    "targets",
    column("dataset", pa.string(), "name of the target dataset"),
    column("image", pa.string(), "name of the image in the dataset"),
    column("path", pa.string(), "path of the file"),
    column("reference", pa.string(), "name of the image's content"),
    column("reference_path", pa.string(), "file of the reference image"),
    column("mos", pa.float64(), "given score, in the dataset's own unit and direction"),
    column("quality", pa.float64(), "given score, [0, 1], higher is better"),
    *SCORES,
    column("psnr", pa.float64(), "PSNR of the luma in dB; 361 for equal luma"),
)

BRISQUE_FEATURES = Artefact(
    "brisque",
    column("image", pa.string(), "name of the image in the dataset"),
    column(
        "features",
        pa.list_(pa.float64()),
        "the 36 features of BRISQUE; none where they are not defined",
        nullable=True,
    ),
)

FEATURES = Artefact(
    "features",
    column("image", pa.string(), "name of the image in the dataset"),
    column("features", pa.list_(pa.float32()), "the vector that the network's head sees, mean over crops"),
    column(
        "score",
        pa.float64(),
        "the score of the pretraining, mean over crops; none where it has not learned one",
        nullable=True,
    ),
    column("spread", pa.float64(), "standard deviation of the score over crops", nullable=True),
)
