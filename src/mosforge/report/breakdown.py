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
        found = [artefacts.predictions(run) for run in runs_of(rows)]
        predictions = [table for table in found if table is not None]
        if images is None or images["distortion_type"].nunique() < 2 or not predictions:
            continue
        kinds = images.set_index("image")["distortion_type"]
        counts = kinds.value_counts().items()
        first = {kind: [Cell(str(kind), [plural(count, "image")])] for kind, count in counts}
        head, cells = [Cell(str(dataset), is_proxy=dataset in artefacts.cfg.proxies)], []
        for _, model in _sroccs(pd.concat(predictions), kinds).groupby(list(MODEL), sort=False):
            if model["srocc"].notna().any():
                backbone = model["backbone"].iloc[0].replace(NO_NETWORK, "")
                head.append(model_cell(artefacts.name_of(model.iloc[0]), backbone))
                of_kinds = model.groupby("kind")["srocc"]
                cells += [(first[kind], len(head), _cell(sroccs)) for kind, sroccs in of_kinds]
        if len(head) > 1:
            lines = sorted(aligned(cells, range(2, len(head) + 1)), key=lambda line: line[0].text)
            yield Grid(head, {"": lines}, label=f"Kinds of images of {dataset}")


def _sroccs(predictions: pd.DataFrame, kinds: "pd.Series[str]") -> pd.DataFrame:
    """The SROCC of each model, kind and split: several trainings of a split count with their mean."""
    keys = [*MODEL, "kind", "split"]
    groups = predictions.assign(kind=predictions["image"].map(kinds)).groupby([*keys, "seed"], sort=False)
    both = groups[["prediction", "quality"]].corr("spearman", min_periods=FEWEST)
    sroccs = both.xs("prediction", level=-1)["quality"].rename("srocc")
    return sroccs.groupby(keys, sort=False).mean().reset_index()


def _cell(sroccs: "pd.Series[float]") -> Cell:
    """The median over splits, with the quartiles where there are several."""
    values = sroccs.dropna()
    if values.empty:
        return Cell("–")
    low, middle, high = np.percentile(values, [25, 50, 75])
    return words.value_cell(middle, {"splits": (low, high)} if len(values) > 1 else {})
