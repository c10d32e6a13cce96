"""Figures of single trained models: scatter, learning curves, and the test images that stand out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mosforge.core.runs import Run
from mosforge.report.artefacts import (
    Pretraining,
    history_of,
    predictions_of,
    pretrainings_of,
    runs_of,
    typical_split,
)
from mosforge.report.figures import learning_curves, pretraining_curves, scatter
from mosforge.report.gallery import Example, examples
from mosforge.report.methods import BOTH, method_of, of_networks
from mosforge.report.notes import proxy_words
from mosforge.report.splits import split_words
from mosforge.report.summary import MODEL, number, pair_words, summarise
from mosforge.report.svg import Picture, file_stem

Names = Mapping[str, str]
"""Initialisation -> name of its method, as `method_names` gives them."""


@dataclass(frozen=True)
class Extremes:
    """The outstanding test images of one dataset, and the model that scores them."""

    dataset: str
    model: str
    proxy: bool
    groups: dict[str, list[Example]]


def within_datasets(correlations: pd.DataFrame) -> pd.DataFrame:
    """For each network that was tested within its dataset, the row of the split at the median."""
    rows = of_networks(correlations[correlations["dataset"] == correlations["test_dataset"]])
    return typical_split(rows.drop_duplicates([*MODEL, "split"]).reset_index(drop=True))


def across_datasets(correlations: pd.DataFrame) -> pd.DataFrame:
    """For each pair of datasets a row of one network: of CLS+REG where there is one, else of the first."""
    rows = of_networks(correlations[correlations["dataset"] != correlations["test_dataset"]])
    other = rows["initialisation"].map(method_of).ne(BOTH)
    first = rows.assign(other=other).sort_values("other", kind="stable")
    return rows.loc[first.drop_duplicates(["dataset", "test_dataset"]).sort_index().index]


def scatter_pictures(
    rows: pd.DataFrame, names: Names, results: Path, proxies: Collection[str]
) -> list[Picture]:
    """Predicted against given score for each row of `correlations` whose predictions are there."""
    pictures = []
    for run, (_, row) in zip(runs_of(rows), rows.iterrows(), strict=True):
        predictions = predictions_of(run, results)
        if predictions is None or predictions.empty:
            continue
        method = names[run.initialisation]
        split = "" if _crosses(run) else f"{split_words(run.split)}, "
        caption = (
            f"{pair_words(run.dataset, run.test_dataset)}, {method}, {run.backbone}: {split}"
            f"{len(predictions)} images, SROCC {number(row['srocc'])}."
            f"{proxy_words((run.dataset, run.test_dataset), proxies)}"
        )
        tested = [run.test_dataset] if _crosses(run) else []
        name = file_stem("scatter", run.dataset, *tested, run.backbone, run.initialisation)
        curve = row["mapping"] == "logistic"
        pictures.append(scatter(predictions, curve=curve, name=name, caption=caption, method=method))
    return pictures


def _crosses(run: Run) -> bool:
    return run.dataset != run.test_dataset


def pretraining_pictures(runs: Sequence[Run], results: Path) -> list[Picture]:
    """The loss of every pretraining that the runs start from."""
    pictures = []
    for pretraining in pretrainings_of(runs, results):
        history = history_of(pretraining, results)
        if history is not None and len(history):
            name = file_stem("pretraining", *(part for part in pretraining if part))
            caption = _pretraining(pretraining)
            pictures.append(pretraining_curves(history, name=name, caption=caption))
    return pictures


def _pretraining(pretraining: Pretraining) -> str:
    split = pretraining.split and split_words(pretraining.split)
    which = f", for {pretraining.dataset}, {split}" if split else ""
    method = method_of(pretraining.objective)
    return f"{method} on the corpus {pretraining.corpus}, {pretraining.backbone}{which}."


def finetuning_pictures(runs: Sequence[Run], names: Names, results: Path) -> list[Picture]:
    """Training loss and validation SROCC by dataset and backbone, one line a split."""
    histories: dict[tuple[str, str], dict[Run, pd.DataFrame]] = {}
    for run in runs:
        history = history_of(run, results)
        if history is not None and len(history):
            one = run._replace(test_dataset="")
            histories.setdefault((run.dataset, run.backbone), {})[one] = history
    pictures = []
    for (dataset, backbone), found in histories.items():
        lines = [(names[run.initialisation], history) for run, history in found.items()]
        about = f"{dataset}, {backbone}, {len(lines)} {'run' if len(lines) == 1 else 'runs'}"
        shown = {"loss": ("training loss (L1)", "training loss")}
        if any(history["validation_srocc"].notna().any() for _, history in lines):
            shown["validation_srocc"] = ("validation SROCC", "SROCC on the validation part")
        for column, (label, what) in shown.items():
            name = file_stem("finetuning", dataset, backbone, column)
            pictures.append(
                learning_curves(lines, column, label=label, name=name, caption=f"{about}: {what}.")
            )
    return pictures


def extremes(
    correlations: pd.DataFrame, names: Names, results: Path, base: Path, proxies: Collection[str]
) -> list[Extremes]:
    """The outstanding test images of each dataset, as its best network sees them.

    That is the one of the highest SROCC among those trained within the dataset; where none is, among
    those that were trained on another.
    """
    if correlations.empty:
        return []
    summary = summarise(of_networks(correlations))
    summary = summary[summary["srocc"].notna()]
    found = []
    for dataset, rows in summary.groupby("test_dataset", sort=False):
        within = rows[rows["dataset"] == dataset]
        candidates = rows if within.empty else within
        best = candidates.sort_values("srocc", ascending=False, kind="stable").iloc[0]
        same = np.logical_and.reduce([correlations[field] == best[field] for field in MODEL])
        tables = [predictions_of(run, results) for run in runs_of(correlations[same])]
        there = [table for table in tables if table is not None and len(table)]
        if there:
            trained = f", trained on {best['dataset']}" if within.empty else ""
            model = f"{names[best['initialisation']]}, {best['backbone']}{trained}"
            groups = examples(pd.concat(there), base)
            proxy = dataset in proxies
            found.append(Extremes(str(dataset), model, proxy, groups))
    return found
