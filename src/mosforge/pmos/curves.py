"""What the fusion `calibrated` learnt, as it comes with mosforge.

`mosforge calibrate --curves` wrote the file.
"""

from pathlib import Path

from mosforge.core.files import read_json
from mosforge.pmos.settings import Calibration

CURVES = Path(__file__).parent / "data" / "curves.json"


def read_calibration(scale: str | int) -> Calibration | None:
    """The curves and weights for a viewing scale; None: there are none for it."""
    found = read_json(CURVES)["scales"].get(str(scale))
    return None if found is None else Calibration.model_validate(found)
