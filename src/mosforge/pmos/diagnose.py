"""The rule `diagnose`: what the labels of a corpus look like."""

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.core.files import write_json
from mosforge.core.schemas.metrics import METRICS, orient
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import Frame, read_table

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LABEL = "pmos"

_SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_BINS = 40


def diagnose(labels: Path, *, output: Path) -> None:
    """Describes the labels of a corpus: distributions, how they fall with the level, how metrics correlate.

    Args:
        labels: the labels of the corpus (artefact `pmos`).
        output: what `diagnostics` finds, JSON.
    """
    found = diagnostics(read_table(labels, LABELS))
    write_json(output, found)
    log.info("%s: %d labels of %d types", output, found["pictures"], len(found["types"]))


def diagnostics(labels: Frame) -> dict[str, Any]:
    """The diagnostics of a corpus, as JSON values.

    Args:
        labels: rows of the artefact `pmos`, at least one.

    Returns:
        `pictures`, the number of distorted images; `distributions` of each metric and the label, higher is
        better in all: mean, sd, quantiles and a histogram; `types`, those with levels in the order of their
        classes: the label's quantiles by level, the share of pristine images (`photographs` is their number)
        whose label falls at each step and at every step, and the share of steps at which each metric falls;
        `rank_correlations`: Spearman's, of every two metrics and the label.
    """
    oriented = labels.copy()
    oriented[list(METRICS)] = orient(labels[list(METRICS)].to_numpy(dtype=np.float64))
    names = [*METRICS, LABEL]
    ranks = oriented[names].rank().corr().to_numpy(dtype=np.float64)
    levelled = oriented[oriented["level"].notna()]
    order = levelled.groupby("group")["class_index"].min().sort_values(kind="stable").index
    return {
        "pictures": len(labels),
        "distributions": {name: _distribution(oriented[name].to_numpy(dtype=np.float64)) for name in names},
        "types": [{"name": str(name), **_type(levelled[levelled["group"] == name])} for name in order],
        "rank_correlations": {"names": names, "values": [list(map(_finite, row)) for row in ranks]},
    }


def _distribution(values: Floats) -> dict[str, Any]:
    counts, edges = np.histogram(values, bins=_BINS)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        "quantiles": _quantiles(values),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def _quantiles(values: Floats) -> dict[str, float]:
    found = np.quantile(values, _SHARES)
    return {f"{share:g}": float(value) for share, value in zip(_SHARES, found, strict=True)}


def _type(rows: Frame) -> dict[str, Any]:
    """The labels of one type, level by level; a pristine image that lacks a level counts in no step."""
    levels = sorted(set(rows["level"].astype(int)))
    labels = {level: rows.loc[rows["level"] == level, LABEL].to_numpy(dtype=np.float64) for level in levels}
    falls = {name: _falls(rows, name) for name in (LABEL, *METRICS)}
    of_label = falls[LABEL]
    return {
        "levels": [
            {"level": level, "pictures": len(values), "quantiles": _quantiles(values)}
            for level, values in labels.items()
        ],
        "photographs": len(of_label),
        "falling_at_every_step": _share(np.all(of_label, axis=1, keepdims=True)) if len(levels) > 1 else None,
        "falling_by_step": [
            {"from": one, "to": other, "share": _share(of_label[:, [i]])}
            for i, (one, other) in enumerate(itertools.pairwise(levels))
        ],
        "falling_steps": {name: _share(found) for name, found in falls.items()},
    }


def _falls(rows: Frame, name: str) -> Flags:
    """Whether a column falls from each level to the next, shape (pristine images, levels - 1)."""
    grid = rows.pivot_table(index=["source", "image_id"], columns="level", values=name).dropna()
    falls: Flags = np.diff(grid.to_numpy(dtype=np.float64), axis=1) < 0
    return falls


def _share(found: Flags) -> float | None:
    return float(found.mean()) if found.size else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
