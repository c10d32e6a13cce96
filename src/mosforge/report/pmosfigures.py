"""The figures about the pseudo-MOS: its distribution, its fall with the level, the six metrics' agreement."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mosforge.orientation import DISTANCES
from mosforge.report.figures import matrix
from mosforge.report.svg import ACCENT, Picture, drawing, file_stem, finish, whole_numbers
from mosforge.tables import METRICS


def histogram(corpus: str, pmos: pd.DataFrame) -> Picture:
    """How many pictures have which label."""
    with drawing(3.3, 2.5) as (figure, axes):
        axes.grid(True, axis="y")
        axes.hist(pmos["pmos"], bins=min(40, 5 + len(pmos) // 20), color=ACCENT, alpha=0.85)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_xlabel("pseudo-MOS")
        axes.set_ylabel("pictures")
        return finish(figure, file_stem("pmos", corpus, "histogram"), f"Labels of {len(pmos):,} pictures.")


def levels(corpus: str, pmos: pd.DataFrame) -> list[Picture]:
    """For each type, the label against the level: median, and the middle half of the pictures.

    Empty for a corpus of mixtures, whose pictures have no level.
    """
    rows = pmos[pmos["level"].notna()]
    margin = 0.05 * (rows["pmos"].max() - rows["pmos"].min())
    limits = (rows["pmos"].min() - margin, rows["pmos"].max() + margin)
    order = rows.groupby("group")["class_index"].min().sort_values(kind="stable").index
    return [_level(corpus, str(group), rows[rows["group"] == group], limits) for group in order]


def _level(corpus: str, group: str, rows: pd.DataFrame, limits: tuple[float, float]) -> Picture:
    labels = rows.groupby("level")["pmos"]
    low, middle, high = (labels.quantile(share).to_numpy(dtype=float) for share in (0.25, 0.5, 0.75))
    places = np.array(sorted(set(rows["level"])), dtype=float)
    with drawing(1.9, 1.5) as (figure, axes):
        axes.grid(True, axis="y")
        axes.fill_between(places, low, high, color=ACCENT, alpha=0.22, linewidth=0)
        axes.plot(places, middle, color=ACCENT, marker="o", markersize=3)
        axes.set_ylim(*limits)
        axes.set_xlim(0.7, max(5.3, places.max() + 0.3))
        whole_numbers(axes)
        return finish(figure, file_stem("pmos", corpus, "level", group), group.replace("_", " "))


def falling_share(pmos: pd.DataFrame) -> dict[str, float]:
    """For each type, the share of photographs whose label falls at every step from one level to the next."""
    rows = pmos[pmos["level"].notna()]
    shares = {}
    for group, part in rows.groupby("group", sort=True):
        grid = part.pivot_table(index=["source", "image_id"], columns="level", values="pmos").dropna()
        shares[str(group)] = float((np.diff(grid.to_numpy(dtype=float), axis=1) < 0).all(axis=1).mean())
    return shares


def metric_agreement(corpus: str, pmos: pd.DataFrame) -> Picture:
    """Spearman's correlation of every two of the six metrics and the label, the distances backwards."""
    oriented = pmos[[*METRICS, "pmos"]].astype(float)
    oriented[list(DISTANCES)] *= -1
    ranks = oriented.rank().corr()
    names = [name.upper().replace("MS_SSIM", "MS-SSIM") for name in METRICS] + ["label"]
    table = pd.DataFrame(ranks.to_numpy(), index=names, columns=names)
    caption = "Rank correlation of the six metrics and the label; MDSI and GMSD, distances, count backwards."
    name = file_stem("pmos", corpus, "metrics")
    lowest = float(np.floor(np.nanmin(ranks.to_numpy()) * 10) / 10)
    return matrix(table, rows="", columns="", name=name, caption=caption, lowest=min(lowest, 0.9))
