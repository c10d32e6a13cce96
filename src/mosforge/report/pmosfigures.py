"""The figures about the pseudo-MOS, drawn from a corpus' diagnostics: distributions, levels, agreement."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mosforge.core.measures import DISTANCES, METRICS
from mosforge.report.figures import matrix
from mosforge.report.methods import METRIC_NAMES
from mosforge.report.svg import ACCENT, BLUE, Picture, drawing, file_stem, finish, whole_numbers

Diagnostics = Mapping[str, Any]

_NAMES = METRIC_NAMES | {"pmos": "label"}


def histogram(corpus: str, found: Diagnostics) -> Picture:
    """How many pictures have which label."""
    with drawing(3.3, 2.5) as (figure, axes):
        axes.grid(True, axis="y")
        counted = found["distributions"]["pmos"]["histogram"]
        axes.stairs(counted["counts"], counted["edges"], fill=True, color=ACCENT, alpha=0.85)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_xlabel("pseudo-MOS")
        axes.set_ylabel("pictures")
        caption = f"Labels of {found['pictures']:,} pictures."
        return finish(figure, file_stem("pmos", corpus, "histogram"), caption)


def distributions(corpus: str, found: Diagnostics) -> list[Picture]:
    """How many pictures have which score of each metric, the distances turned round."""
    return [_distribution(corpus, name, found["distributions"][name]) for name in METRICS]


def _distribution(corpus: str, name: str, found: Mapping[str, Any]) -> Picture:
    with drawing(1.9, 1.5) as (figure, axes):
        counted = found["histogram"]
        axes.stairs(counted["counts"], counted["edges"], fill=True, color=BLUE, alpha=0.85)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        caption = f"{'1 − ' if name in DISTANCES else ''}{METRIC_NAMES[name]}"
        return finish(figure, file_stem("pmos", corpus, "distribution", name), caption)


def levels(corpus: str, found: Diagnostics) -> list[Picture]:
    """For each type, the label against the level: median, and the middle half of the pictures.

    Empty for a corpus of mixtures, whose pictures have no level.
    """
    label = found["distributions"]["pmos"]["quantiles"]
    margin = 0.05 * (label["1"] - label["0"])
    limits = (label["0"] - margin, label["1"] + margin)
    return [_level(corpus, kind["name"], kind["levels"], limits) for kind in found["types"]]


def _level(
    corpus: str, group: str, rows: Sequence[Mapping[str, Any]], limits: tuple[float, float]
) -> Picture:
    places = np.array([row["level"] for row in rows], dtype=float)
    quantiles = [row["quantiles"] for row in rows]
    low, middle, high = ([row[share] for row in quantiles] for share in ("0.25", "0.5", "0.75"))
    with drawing(1.9, 1.5) as (figure, axes):
        axes.grid(True, axis="y")
        axes.fill_between(places, low, high, color=ACCENT, alpha=0.22, linewidth=0)
        axes.plot(places, middle, color=ACCENT, marker="o", markersize=3)
        axes.set_ylim(*limits)
        axes.set_xlim(0.7, max(5.3, places.max() + 0.3))
        whole_numbers(axes)
        return finish(figure, file_stem("pmos", corpus, "level", group), group.replace("_", " "))


def metric_agreement(corpus: str, found: Diagnostics) -> Picture:
    """Spearman's correlation of every two of the six metrics and the label, the distances backwards."""
    ranks = np.array(found["rank_correlations"]["values"], dtype=float)
    names = [_NAMES[name] for name in found["rank_correlations"]["names"]]
    table = pd.DataFrame(ranks, index=names, columns=names)
    distances = " and ".join(METRIC_NAMES[name] for name in DISTANCES)
    caption = f"Rank correlation of the six metrics and the label; {distances}, distances, count backwards."
    name = file_stem("pmos", corpus, "metrics")
    lowest = float(np.floor(np.nanmin(ranks) * 10) / 10) if np.isfinite(ranks).any() else 0.0
    return matrix(table, rows="", columns="", name=name, caption=caption, lowest=min(lowest, 0.9))


def falling(found: Diagnostics) -> list[dict[str, Any]]:
    """A row for each type with several levels: how steadily the label, and each metric, falls with them.

    Returns:
        `name`, `photographs`, `label` (the share of photographs whose label falls at every step),
        `exception` (the step at which most do not fall, and the share that does not; empty where all
        fall), and the share of falling steps of each metric, `metrics`.
    """
    rows = []
    for kind in found["types"]:
        if kind["falling_at_every_step"] is None:
            continue
        step = min(kind["falling_by_step"], key=lambda step: step["share"])
        share, between = step["share"], f"{step['from']} to {step['to']}"
        rows.append(
            {
                "name": kind["name"].replace("_", " "),
                "photographs": kind["photographs"],
                "label": kind["falling_at_every_step"],
                "exception": "" if share == 1 else f"from level {between}, {percent(1 - share)} do not fall",
                "metrics": [kind["falling_steps"][metric] for metric in METRICS],
            }
        )
    return rows


def percent(share: float) -> str:
    """A share for people; what is not all is never rounded up to 100%, nor what is not none to 0%."""
    text = f"{100 * share:.0f}%"
    if text in ("0%", "100%") and 0 < share < 1:
        text = f"{100 * share:.2f}%"
    return {"0.00%": "under 0.01%", "100.00%": "over 99.99%"}.get(text, text)
