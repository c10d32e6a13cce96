"""The pseudo-MOS of distorted images."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column
from mosforge.core.schemas.distortions import KEYS
from mosforge.core.schemas.metrics import SCORES

LABELS = Artefact(
    "pmos",
    *KEYS,
    *SCORES,
    column("pmos", pa.float64(), "pseudo-MOS, higher is better"),
    column("agreement", pa.float64(), "weighted standard deviation of the mapped scores; 0: they agree"),
)
