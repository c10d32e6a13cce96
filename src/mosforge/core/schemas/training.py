"""The epochs of a training."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

HISTORY = Artefact(
    "history",
    column("epoch", pa.int32(), "number of the epoch, from 1"),
    column("loss", pa.float64(), "mean training loss of the epoch"),
    column("score_loss", pa.float64(), "the score branch's part of the loss (L1)", nullable=True),
    column("class_loss", pa.float64(), "the classification branch's part of the loss", nullable=True),
    column("rehearsal_loss", pa.float64(), "part of the loss of pairs of levels, if any", nullable=True),
    column("in_order", pa.float64(), "share of these pairs whose weaker image scores higher", nullable=True),
    column("validation_srocc", pa.float64(), "SROCC on the validation part, if any", nullable=True),
    column("images_per_second", pa.float64(), "training throughput, in crops"),
    column("seconds", pa.float64(), "wall time of the epoch"),
    column(
        "peak_memory",
        pa.float64(),
        "most memory used so far, MiB: of the GPU or, without one, of the process",
        nullable=True,
    ),
)
