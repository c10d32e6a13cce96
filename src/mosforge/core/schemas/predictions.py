"""What an adapted network, or a measure in its place, predicts for a test dataset."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.datasets import CLEAN, CONTENT

RUN_COLUMNS = (
    column("dataset", pa.string(), "dataset whose scores the model was adapted to"),
    column("split", pa.string(), "split of that dataset"),
    column("backbone", pa.string(), "backbone of the network; `none` for a measure without one"),
    column(
        "initialisation",
        pa.string(),
        "`imagenet`, CORPUS-OBJECTIVE of the pretraining, several of these with a + between them, or the "
        "name of a measure without a network",
    ),
    column("test_dataset", pa.string(), "dataset whose images are scored"),
    column("seed", pa.int64(), "seed of the fine-tuning; 0 for what is not fine-tuned"),
    column(
        "adaptation",
        pa.string(),
        "`finetune`; `probe`, a ridge regression on frozen features; `none`, the pretrained score as it is, "
        "and for a measure without a network",
    ),
)

PREDICTIONS = Artefact(
    "predictions",
    *RUN_COLUMNS,
    column("image", pa.string(), "name of the image in the test dataset"),
    column("path", pa.string(), "path of the file"),
    CONTENT,
    CLEAN,
    column(
        "other_contents",
        pa.int32(),
        "number of contents of the dataset that are not tested on in this split, the same in each row; none "
        "across datasets",
        nullable=True,
    ),
    column("mos", pa.float64(), "given score, in the dataset's own unit"),
    column("quality", pa.float64(), "given score, [0, 1], higher is better"),
    column(
        "prediction",
        pa.float64(),
        "predicted quality, mean over crops; a metric in its own unit, higher is better",
    ),
    column("spread", pa.float64(), "standard deviation over crops"),
)
