"""The scores that the six full-reference metrics give to distorted images."""

import pyarrow as pa

from mosforge.core.measures import METRICS
from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.distortions import KEYS

SCORES = tuple(
    column(name, pa.float64(), f"{name} against the reference image, as the metric defines it")
    for name in METRICS
)

METRIC_SCORES = Artefact("metrics", *KEYS, *SCORES)
