"""The SROCC of each kind of test images: of each distortion type, or of what a user's table calls `group`."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mosforge.core import layout
from mosforge.core.runs import NO_NETWORK
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.words import plural
from mosforge.report import words
from mosforge.report.artefacts import Artefacts, runs_of
from mosforge.report.blocks import Cell, Grid, aligned, model_cell
from mosforge.report.summary import MODEL

FEWEST = 5
"""Fewer test images of a kind in a split have no SROCC here."""


def breakdowns(correlations: pd.DataFrame, artefacts: Artefacts) -> Iterator[Grid]:
    """For each dataset with several kinds of images: a row a kind, a column a model, medians over splits."""
    within = correlations[correlations["dataset"] == correlations["test_dataset"]]
    for dataset, rows in within.groupby("dataset", sort=False):
        images = artefacts.read(layout.DATASET, DATASET, dataset=str(dataset))
        if images is None or images["distortion_type"].nunique() < 2:
            continue
        kinds = images.set_index("image")["distortion_type"]
        head, cells = [Cell(str(dataset), is_proxy=dataset in artefacts.cfg.proxies)], []
        counts = kinds.value_counts().sort_index().items()
        first = {str(kind): [Cell(str(kind), [plural(count, "image")])] for kind, count in counts}
        for _, model in rows.groupby(list(MODEL), sort=False):
            splits = _sroccs(model, kinds, artefacts)
            if splits.notna().any(axis=None):
                backbone = model["backbone"].iloc[0].replace(NO_NETWORK, "")
                head.append(model_cell(artefacts.name_of(model.iloc[0]), backbone))
                cells += [(first[kind], len(head), _cell(splits, kind)) for kind in first]
        if cells:
            lines = aligned(cells, range(2, len(head) + 1))
            yield Grid(head, {"": lines}, label=f"Kinds of images of {dataset}")


def _sroccs(model: pd.DataFrame, kinds: "pd.Series[str]", artefacts: Artefacts) -> pd.DataFrame:
    """The SROCC of each kind, a row a split: several trainings of a split count with their mean."""
    found: dict[str, list[dict[str, float]]] = {}
    for run in runs_of(model):
        if (predictions := artefacts.predictions(run)) is not None:
            found.setdefault(run.split, []).append(_of_kinds(predictions, kinds))
    return pd.DataFrame([pd.DataFrame(trainings).mean() for trainings in found.values()])


def _of_kinds(predictions: pd.DataFrame, kinds: "pd.Series[str]") -> dict[str, float]:
    return {
        str(kind): float(rows["prediction"].corr(rows["quality"], method="spearman"))
        for kind, rows in predictions.groupby(predictions["image"].map(kinds))
        if len(rows) >= FEWEST and min(rows["prediction"].nunique(), rows["quality"].nunique()) > 1
    }


def _cell(splits: pd.DataFrame, kind: str) -> Cell:
    """The median over splits, with the quartiles where there are several."""
    values = splits[kind].dropna() if kind in splits else pd.Series(dtype=float)
    if values.empty:
        return Cell("–")
    low, middle, high = np.percentile(values, [25, 50, 75])
    return words.value_cell(middle, {"splits": (low, high)} if len(values) > 1 else {})
