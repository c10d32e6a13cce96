"""The scatter plots of the page: predicted against given scores, on the same axes for all models."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mosforge.core.runs import FINETUNE, Run
from mosforge.report import drawing, words
from mosforge.report.artefacts import Artefacts, runs_of
from mosforge.report.blocks import say
from mosforge.report.drawing import Figure
from mosforge.report.summary import MODEL, of_networks, split_at_the_median
from mosforge.statistics.logistic import fit_logistic, logistic

Floats = npt.NDArray[np.float64]

MANY_POINTS = 3000
"""Above this a scatter's points are embedded as pixels: as shapes they would take megabytes."""


class Scale(NamedTuple):
    """The scale of a dataset's scores: score = lowest + rise * quality."""

    lowest: float
    rise: float

    def of(self, quality: Floats) -> Floats:
        """Qualities, [0, 1] and higher is better, in the dataset's own unit and direction."""
        return self.lowest + self.rise * quality


class _Scatter(NamedTuple):
    run: Run
    row: dict[Any, Any]  # of `correlations`
    predictions: pd.DataFrame
    scale: Scale


def scale_of(predictions: pd.DataFrame) -> Scale:
    """The scale of the given scores, from their `mos` and their `quality`, which is a line of it.

    Scores that lay outside the declared range have a quality of 0 or 1, and do not count. The scale is that
    of the quality itself where fewer than two scores differ.
    """
    inside = predictions[(predictions["quality"] > 0) & (predictions["quality"] < 1)]
    rows = inside if len(set(inside["quality"])) > 1 else predictions
    ends = rows.sort_values("quality").iloc[[0, -1]]
    (low, high), (first, last) = (ends[name].to_numpy(dtype=float) for name in ("quality", "mos"))
    if low == high:
        return Scale(0.0, 1.0)
    rise = (last - first) / (high - low)
    return Scale(first - rise * low, rise)


def within_datasets(correlations: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks tested on their own dataset, of one split a dataset, the same for all of them.

    Of several trainings of a split it is the first.
    """
    rows = of_networks(correlations[correlations["dataset"] == correlations["test_dataset"]])
    return split_at_the_median(rows.drop_duplicates([*MODEL, "split"]).reset_index(drop=True))


def across_datasets(correlations: pd.DataFrame) -> pd.DataFrame:
    """For each pair of datasets, the row of one network: CLS+REG if there is one, else the first."""
    rows = of_networks(correlations[correlations["dataset"] != correlations["test_dataset"]])
    other = pd.Series(words.methods(rows), rows.index).ne(words.BOTH)
    first = rows.assign(other=other).sort_values("other", kind="stable")
    return rows.loc[first.drop_duplicates(["dataset", "test_dataset"]).sort_index().index]


def scatters(rows: pd.DataFrame, artefacts: Artefacts) -> list[Figure]:
    """For each row of `correlations`, predicted against given score in the unit of the test dataset.

    The axes of all figures of one test dataset are the same.
    """
    shown = list(_read(rows, artefacts))
    limits: dict[str, tuple[float, float]] = {}
    for name in {item.run.test_dataset for item in shown}:
        values = np.concatenate([np.ravel(_points(item)) for item in shown if item.run.test_dataset == name])
        margin = 0.04 * (np.ptp(values) or 1.0)
        limits[name] = float(values.min() - margin), float(values.max() + margin)
    return [_scatter(item, limits[item.run.test_dataset], artefacts) for item in shown]


def _read(rows: pd.DataFrame, artefacts: Artefacts) -> Iterator[_Scatter]:
    for run, row in zip(runs_of(rows), rows.to_dict("records"), strict=True):
        if (predictions := artefacts.predictions(run)) is not None:
            yield _Scatter(run, row, predictions, scale_of(predictions))


def _points(item: _Scatter) -> tuple[Floats, Floats]:
    """The predicted and the given scores."""
    predicted = item.scale.of(item.predictions["prediction"].to_numpy(dtype=float))
    return predicted, item.predictions["mos"].to_numpy(dtype=float)


def _scatter(item: _Scatter, limits: tuple[float, float], artefacts: Artefacts) -> Figure:
    run, predicted = item.run, item.predictions["prediction"].to_numpy(dtype=float)
    method, crosses = artefacts.name_of(run), run.dataset != run.test_dataset
    split = "" if crosses else f"{words.split_name(run.split)}, "
    caption = (
        f"{words.dataset_pair(run.dataset, run.test_dataset)}, {method}, {run.backbone}: {split}"
        f"{len(predicted)} images, SROCC {words.number(item.row['srocc'])}."
        f"{words.proxy_caption((run.dataset, run.test_dataset), artefacts.cfg.proxies)}"
    )
    with drawing.canvas(3.3, 3.1, grid="both") as (canvas, axes):
        alpha = 0.45 if len(predicted) > 100 else 0.7
        colour = drawing.colour_of(method)
        points = axes.scatter(*_points(item), s=9, alpha=alpha, linewidths=0, color=colour)
        points.set_rasterized(len(predicted) > MANY_POINTS)
        fitted = None
        if item.row["mapping"] != "none":
            fitted = fit_logistic(predicted, item.predictions["quality"].to_numpy(dtype=float))
        if fitted is not None:
            x = np.linspace(predicted.min(), predicted.max(), 120)
            curve = item.scale.of(logistic(x, *fitted))
            axes.plot(item.scale.of(x), curve, color=drawing.INK, linewidth=1.2)
        worse = say("lower_is_better") if item.scale.rise < 0 else ""
        axes.set(xlabel=f"predicted score{worse}", ylabel=f"given score{worse}", xlim=limits, ylim=limits)
        tested = run.test_dataset if crosses else ""
        adapted = "" if run.adaptation == FINETUNE else run.adaptation
        start = (run.backbone, run.initialisation, adapted)
        name = drawing.file_stem("scatter", run.dataset, tested, *start)
        return drawing.finish(canvas, name, caption)
