"""How well the class means of each metric and each fusion agree with people, at each viewing scale."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.calibration.classes import human_means
from mosforge.core.schemas.metrics import METRICS, orient
from mosforge.core.tables import Frame
from mosforge.pmos.calibrated import fit_calibration
from mosforge.pmos.fusion import fuse_scores, map_curves, weigh
from mosforge.statistics.correlations import correlations

Floats = npt.NDArray[np.float64]
Weights = Mapping[str, float]

EQUAL: Weights = dict.fromkeys(METRICS, 1.0)

_KNOTS = 1001


def calibrations(scores: Frame) -> dict[str, dict[str, Any]]:
    """What the fusion `calibrated` learns at each viewing scale.

    Args:
        scores: rows of `classes.score_classes`.
    """
    return {str(scale): _fit(rows) for scale, rows in _with_people(scores).groupby("scale")}


def agreement(
    scores: Frame, weights: Weights, shipped: Mapping[int, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """A row for each metric and fusion: SROCC and PLCC with the human means of the 125 classes.

    The fusion `quantile` uses the distributions over these images; `mean` and `quantile` see no human score,
    apart from what chose the weights. What `calibrated` learnt is tested on the types that it did not see,
    one at a time, and as it comes with mosforge.

    Args:
        scores: rows of `classes.score_classes`.
        weights: those of the configuration.
        shipped: the calibration that comes with mosforge, by viewing scale, where there is one.
    """
    rows: dict[str, dict[str, Any]] = {}
    for scale, images in _with_people(scores).groupby("scale"):
        for measure, values in _measures(images, weights, shipped.get(int(images["scale"].iloc[0]))):
            means = images.assign(value=values).groupby("class")[["value", "quality"]].mean()
            found = correlations(means["value"].to_numpy(), means["quality"].to_numpy())
            row = rows.setdefault(measure, {"measure": measure})
            row.update({f"srocc_{scale}": found["srocc"], f"plcc_{scale}": found["plcc"]})
    return list(rows.values())


def _measures(
    images: Frame, weights: Weights, shipped: Mapping[str, Any] | None
) -> Iterator[tuple[str, Floats]]:
    raw = images[list(METRICS)].to_numpy(dtype=np.float64)
    oriented = orient(raw)
    for i, name in enumerate(METRICS):
        yield name, oriented[:, i]
    weighed = "+".join(name for name in METRICS if weights[name])
    for fusion in ("mean", "quantile"):
        yield f"{fusion}, equal weights", fuse_scores(raw, fusion, _KNOTS, EQUAL).pmos
        yield f"{fusion}, {weighed}", fuse_scores(raw, fusion, _KNOTS, weights).pmos
    left_out = np.empty(len(images))
    for name in images["type"].unique():
        inside = (images["type"] == name).to_numpy()
        left_out[inside] = _calibrated(oriented[inside], _fit(images[~inside]))
    yield "calibrated, leave one type out", left_out
    if shipped is not None:
        yield "calibrated, as it comes", _calibrated(oriented, shipped)


def _calibrated(oriented: Floats, calibration: Mapping[str, Any]) -> Floats:
    return weigh(map_curves(oriented, calibration), calibration["weights"])[0]


def _fit(images: Frame) -> dict[str, Any]:
    oriented = orient(images[list(METRICS)].to_numpy(dtype=np.float64))
    return fit_calibration(oriented, images["quality"].to_numpy(), images["class"].to_numpy())


def _with_people(scores: Frame) -> Frame:
    """The rows, each with its class and the human mean of the class."""
    rows = scores.merge(human_means(), on=["type", "level"], validate="many_to_one")
    return rows.assign(**{"class": rows.groupby(["type", "level"], sort=False).ngroup()})
