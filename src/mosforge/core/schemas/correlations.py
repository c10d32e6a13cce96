"""How well predictions, metrics and pseudo-MOS agree with given scores."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.predictions import RUN_COLUMNS

MEASURES = ("srocc", "krocc", "plcc", "plcc_mapped", "rmse")
"""The measures of agreement, in the order of their columns."""

AGREEMENT = (
    column("images", pa.int32(), "number of test images"),
    column("srocc", pa.float64(), "Spearman's rank correlation", nullable=True),
    column("krocc", pa.float64(), "Kendall's rank correlation (tau-b)", nullable=True),
    column("plcc", pa.float64(), "Pearson's correlation of the raw predictions", nullable=True),
    column("plcc_mapped", pa.float64(), "Pearson's correlation after the logistic mapping", nullable=True),
    column("rmse", pa.float64(), "root mean squared error after the mapping, on [0, 1]"),
    column(
        "mapping",
        pa.string(),
        "`logistic`; `falling` where its curve falls, since the predictions run against the scores; or "
        "`none` where its fit did not converge",
    ),
)

_INTERVALS = tuple(
    column(
        f"{measure}_{end}",
        pa.float64(),
        f"{about} end of the 95% bootstrap interval of {measure} over contents of test images; none below 5",
        nullable=True,
    )
    for measure in MEASURES
    for end, about in (("low", "lower"), ("high", "upper"))
)

_CONTENTS = (
    column("contents", pa.int32(), "number of contents of the test images"),
    column(
        "other_contents",
        pa.int32(),
        "number of contents of the dataset that are not tested on in this split; none across datasets",
        nullable=True,
    ),
)

_CLEAN = (
    column(
        "clean_images",
        pa.int32(),
        "number of test images whose content is not trained on; none where contents were not compared",
        nullable=True,
    ),
    *(
        column(
            f"clean_{field.name}",
            field.type,
            f"of the clean test images: {field.metadata[b'about'].decode()}",
            nullable=True,
        )
        for field in (*AGREEMENT[1:-1], *_INTERVALS)
    ),
)

CORRELATIONS = Artefact("correlations", *RUN_COLUMNS, *AGREEMENT, *_CONTENTS, *_INTERVALS, *_CLEAN)
"""The clean columns are none, but for `clean_images`, where all test images are clean or fewer than two."""

VALIDATION = Artefact(
    "validation",
    column("dataset", pa.string(), "target dataset with the given scores"),
    column(
        "measure", pa.string(), "a metric, `psnr`, or a fusion: `mean`, `quantile`, `calibrated`, `logistic`"
    ),
    column("fitted_on", pa.string(), "what a fusion's mapping was fitted to", nullable=True),
    *AGREEMENT,
    _CONTENTS[0],
    *_INTERVALS,
    column(
        "srocc_within",
        pa.float64(),
        "mean over contents of the SROCC of the images of one content; none where no content has three",
        nullable=True,
    ),
    *(
        column(
            f"srocc_within_{end}",
            pa.float64(),
            f"{about} end of its 95% bootstrap interval over these contents; none below 5",
            nullable=True,
        )
        for end, about in (("low", "lower"), ("high", "upper"))
    ),
)
