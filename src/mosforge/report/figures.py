"""The figures about trained models: learning curves, scatter, ablation bars, the cross-dataset matrix."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.patches import Rectangle

from mosforge.report.summary import number
from mosforge.report.svg import (
    ACCENT,
    INK,
    LINE,
    METHOD_COLOURS,
    MUTED,
    Picture,
    colour_of,
    drawing,
    finish,
    whole_numbers,
)
from mosforge.statistics.logistic import fit_logistic, logistic

Floats = npt.NDArray[np.float64]

_DASHES = ("-", "--", ":", "-.")

_CELL = (0.5, 0.34)
"""Width and height of a cell of a matrix, in inches."""

_LETTER = 0.068
"""Width of a letter of its names, in inches."""

MANY_POINTS = 3000
"""Above this a scatter's points are embedded as pixels: as shapes they would weigh megabytes."""


def scatter(predictions: pd.DataFrame, *, curve: bool, name: str, caption: str, method: str) -> Picture:
    """Predicted quality against given score, one point an image.

    Args:
        predictions: rows of the artefact `predictions`, of one split.
        curve: whether to draw the fitted logistic; it is left out too where the fit fails.
        name: stem of the files.
        caption: of the figure.
        method: its name, for the colour.
    """
    predicted = predictions["prediction"].to_numpy(dtype=float)
    given = predictions["quality"].to_numpy(dtype=float)
    with drawing(3.3, 3.1) as (figure, axes):
        axes.grid(True)
        axes.scatter(
            predicted,
            given,
            s=9,
            alpha=0.45 if len(predictions) > 100 else 0.7,
            linewidths=0,
            color=colour_of(method),
            rasterized=len(predictions) > MANY_POINTS,
        )
        fitted = fit_logistic(predicted, given) if curve else None
        if fitted is not None:
            x = np.linspace(predicted.min(), predicted.max(), 120)
            axes.plot(x, logistic(x, *fitted), color=INK, linewidth=1.2)
        axes.set_xlabel("predicted quality")
        axes.set_ylabel("given score, 0 to 1")
        return finish(figure, name, caption)


def learning_curves(
    runs: Sequence[tuple[str, pd.DataFrame]], column: str, *, label: str, name: str, caption: str
) -> Picture:
    """One thin line a run, coloured by its method; a method from a further corpus is dashed.

    Args:
        runs: (method, rows of the artefact `history`).
        column: the column to draw.
        label: of the vertical axis.
        name: stem of the files.
        caption: of the figure.
    """
    with drawing(3.3, 2.5) as (figure, axes):
        axes.grid(True, axis="y")
        named: dict[str, str] = {}
        for method, history in runs:
            rows = history[history[column].notna()]
            colour = colour_of(method)
            marker = "o" if len(rows) < 4 else ""
            shown = f"_{method}" if method in named else method
            named.setdefault(
                method, _DASHES[[colour_of(name) for name in named].count(colour) % len(_DASHES)]
            )
            axes.plot(
                rows["epoch"],
                rows[column],
                color=colour,
                linestyle=named[method],
                label=shown,
                marker=marker,
                markersize=3,
                linewidth=1.1,
            )
        whole_numbers(axes)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        if len(named) > 1:
            wide = max(map(len, named)) > 10
            axes.legend(
                ncols=min(len(named), 2 if wide else 4), loc="lower center", bbox_to_anchor=(0.5, 1.0)
            )
        return finish(figure, name, caption)


def pretraining_curves(history: pd.DataFrame, *, name: str, caption: str) -> Picture:
    """The training loss of one pretraining and, where it has them, its two parts."""
    parts = {
        "loss": ("sum", INK),
        "class_loss": ("classes", METHOD_COLOURS["CLS"]),
        "score_loss": ("score", METHOD_COLOURS["REG"]),
    }
    with drawing(3.3, 2.5) as (figure, axes):
        axes.grid(True, axis="y")
        single = not history["class_loss"].notna().any() or not history["score_loss"].notna().any()
        for column, (label, colour) in parts.items():
            rows = history[history[column].notna()]
            if len(rows) and not (single and column == "loss"):
                marker = "o" if len(rows) < 4 else ""
                axes.plot(rows["epoch"], rows[column], color=colour, label=label, marker=marker, markersize=3)
        axes.set_ylim(bottom=0)
        whole_numbers(axes)
        axes.set_xlabel("epoch")
        axes.set_ylabel("training loss")
        axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        return finish(figure, name, caption)


class Bar(NamedTuple):
    """A bar of `bars`; an end that is not finite, of a model without a correlation, draws nothing.

    Attributes:
        group: what stands above the bar and those beside it, such as the backbone.
        label: what stands beside it.
        value: its length.
        interval: lower and upper end of the thin line.
        quartiles: lower and upper end of the thick part.
    """

    group: str
    label: str
    value: float
    interval: tuple[float, float]
    quartiles: tuple[float, float]


def bars(rows: Sequence[Bar], *, name: str, caption: str) -> Picture:
    """Horizontal bars of SROCC with their intervals, in groups.

    Args:
        rows: the bars, those of a group together.
        name: stem of the files.
        caption: of the figure.
    """
    groups = list(dict.fromkeys(row.group for row in rows))
    with drawing(4.0, 0.6 + 0.25 * (len(rows) + 1.2 * len(groups))) as (figure, axes):
        place, places, labels = 0.0, [], []
        ends = np.array([end for row in rows for end in (row.value, *row.interval, *row.quartiles)])
        known = ends[np.isfinite(ends)]  # a constant prediction has no correlation
        right = max(known.max(initial=0.0), 0.1)
        for group in groups:
            axes.text(0.012 * right, place, group, color=MUTED, va="center", fontsize=7.5)
            for row in (row for row in rows if row.group == group):
                place += 1
                if np.isfinite(row.value):
                    axes.barh(place, row.value, height=0.62, alpha=0.8, color=colour_of(row.label))
                for line, width in ((row.interval, 1.0), (row.quartiles, 3.2)):
                    if np.isfinite(line).all():
                        axes.hlines(place, *line, color=INK, linewidth=width)
                axes.text(right + 0.02, place, number(row.value), va="center", fontsize=7.5)
                places.append(place)
                labels.append(row.label)
            place += 1.2
        axes.set_yticks(places, labels)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(place - 0.6, -0.6)
        axes.set_xlim(known.min(initial=0.0), right + 0.16)
        axes.set_xlabel("SROCC")
        return finish(figure, name, caption)


def matrix(
    values: pd.DataFrame, *, rows: str, columns: str, name: str, caption: str, lowest: float = 0.0
) -> Picture:
    """Numbers in tinted cells: the deeper the tint, the higher.

    Args:
        values: numbers with row and column labels; cells without a number stay empty.
        rows: what the rows are, beside them.
        columns: what the columns are, above them.
        name: stem of the files.
        caption: of the figure.
        lowest: the value without tint.
    """
    height, width = values.shape
    beside, above = (_LETTER * max(map(len, names)) for names in (values.index, values.columns))
    turned = above > _CELL[0]  # names as wide as that would run into each other
    size = (0.5 + beside + _CELL[0] * width, 0.7 + _CELL[1] * height)
    if turned:
        size = (size[0] + 0.7 * above, size[1] + 0.7 * above)
    with drawing(*size) as (figure, axes):
        for (row, column), value in np.ndenumerate(values.to_numpy(dtype=float)):
            corner = (column - 0.47, row - 0.46)
            if np.isfinite(value):
                tint = float(np.clip((value - lowest) / (1 - lowest), 0, 1)) * 0.6
                axes.add_patch(_cell(corner, ACCENT, tint))
                axes.text(column, row, number(value, 2), ha="center", va="center", fontsize=8)
            else:
                axes.add_patch(_cell(corner, LINE, 0.35))
        axes.set_xlim(-0.5, width - 0.5)
        axes.set_ylim(height - 0.5, -0.5)
        axes.set_xticks(range(width), list(values.columns))
        if turned:
            axes.tick_params(axis="x", labelrotation=45)
            for label in axes.get_xticklabels():
                label.set(horizontalalignment="left", rotation_mode="anchor")
        axes.set_yticks(range(height), list(values.index))
        axes.xaxis.set_ticks_position("top")
        axes.xaxis.set_label_position("top")
        axes.tick_params(length=0, labelcolor=INK)
        axes.set_xlabel(columns, color=MUTED)
        axes.set_ylabel(rows, color=MUTED)
        for side in axes.spines.values():
            side.set_visible(False)
        return finish(figure, name, caption)


def _cell(corner: tuple[float, float], colour: str, tint: float) -> Rectangle:
    return Rectangle(corner, 0.94, 0.92, facecolor=colour, alpha=tint, linewidth=0)
