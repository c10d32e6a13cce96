"""The parts of the page about trained models, each made from the artefacts that are there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mosforge.report.artefacts import Run, pretrainings_of, runs_of, typical_split
from mosforge.report.figures import bars, learning_curves, matrix, pretraining_curves, scatter
from mosforge.report.gallery import Example, examples
from mosforge.report.notes import PROXY
from mosforge.report.summary import (
    MODEL,
    backbone_of,
    method_of,
    number,
    of_networks,
    paired_differences,
    standard_error,
    summarise,
)
from mosforge.report.svg import Picture, file_stem
from mosforge.report.tables import Table, build_table

_TITLES = {
    "table1": "Synthetic distortions, within each dataset (the paper's Table 1)",
    "table2": "Authentic distortions, within each dataset (the paper's Table 2)",
    "table3": "Trained on one dataset, tested on another (the paper's Table 3)",
    "ablation": "What each kind of pretraining is worth (the paper's Fig. 3)",
}


@dataclass(frozen=True)
class Experiment:
    """Everything the page shows of one experiment; `missing` says why there is nothing else."""

    name: str
    title: str
    missing: str = ""
    table: Table | None = None
    summary: pd.DataFrame | None = None
    gains: pd.DataFrame | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Extremes:
    """The outstanding test images of one dataset."""

    dataset: str
    model: str
    proxy: bool
    groups: dict[str, list[Example]]


def experiment_section(
    name: str,
    correlations: pd.DataFrame | None,
    proxies: Collection[str],
    sizes: Mapping[str, int],
) -> Experiment:
    """The table, the bars and the matrices of an experiment."""
    title = _TITLES.get(name, name)
    if correlations is None:
        missing = f"results/evaluation/{name}.parquet is not there: not measured yet."
        return Experiment(name, title, missing)
    table = build_table(name, correlations, proxies=proxies, sizes=sizes)
    if correlations.empty:
        return Experiment(name, title, "Nothing was measured: no dataset of this experiment was there.")
    summary = summarise(correlations)
    crossed = summary[summary["dataset"] != summary["test_dataset"]]
    within = summary[summary["dataset"] == summary["test_dataset"]]
    pictures = [
        _bars(name, str(dataset), rows, proxies)
        for dataset, rows in within.groupby("dataset", sort=False)
        if len(rows) > 1
    ]
    pictures += [
        _matrix(name, str(backbone), str(initialisation), rows, proxies)
        for (backbone, initialisation), rows in _by_model(crossed)
    ]
    return Experiment(name, title, "", table, summary, paired_differences(correlations), tuple(pictures))


def _by_model(crossed: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    methods = crossed["initialisation"].map(method_of).rename("method")
    return [
        ((str(backbone), str(method)), rows)
        for (backbone, method), rows in crossed.groupby(["backbone", methods], sort=False)
    ]


def _bars(
    experiment: str,
    dataset: str,
    rows: pd.DataFrame,
    proxies: Collection[str],
) -> Picture:
    values, intervals = [], {}
    for _, row in rows.iterrows():
        key = (backbone_of(str(row["backbone"])) or "no network", method_of(row["initialisation"]))
        values.append((*key, float(row["srocc"])))
        if row["splits"] > 1:
            intervals[key] = (float(row["srocc_q25"]), float(row["srocc_q75"]))
        elif np.isfinite(row["srocc_low"]):
            intervals[key] = (float(row["srocc_low"]), float(row["srocc_high"]))
    backbones = [backbone for backbone, *_ in values]
    values.sort(key=lambda value: backbones.index(value[0]))
    what = "the quartiles over splits" if rows["splits"].max() > 1 else "95% over resampled test images"
    lines = f"; the line is {what}" if intervals else ""
    caption = f"{dataset}: SROCC{', median over splits' if rows['splits'].max() > 1 else ''}{lines}."
    return bars(
        values,
        intervals,
        name=file_stem("bars", experiment, dataset),
        caption=caption + _proxy({dataset}, proxies),
    )


def _matrix(
    experiment: str, backbone: str, method: str, rows: pd.DataFrame, proxies: Collection[str]
) -> Picture:
    names = list(dict.fromkeys([*rows["dataset"], *rows["test_dataset"]]))
    grid = rows.pivot_table(index="dataset", columns="test_dataset", values="srocc", sort=False)
    grid = grid.reindex(index=[name for name in names if name in grid.index], columns=names)
    caption = f"{method}, {backbone}: SROCC of every training and test dataset." + _proxy(set(names), proxies)
    name = file_stem("matrix", experiment, backbone, method)
    return matrix(grid, rows="trained on", columns="tested on", name=name, caption=caption)


def findings(summary: pd.DataFrame, proxies: Collection[str]) -> list[str]:
    """What came out, one sentence for each dataset and backbone that has FT and another method."""
    sentences = []
    within = summary[summary["dataset"] == summary["test_dataset"]]
    for (dataset, backbone), rows in within.groupby(["dataset", "backbone"], sort=False):
        methods = rows.assign(method=rows["initialisation"].map(method_of))
        base = methods[methods["method"] == "FT"]
        others = methods[(methods["method"] != "FT") & methods["srocc"].notna()]
        if base.empty or others.empty:
            continue
        best = others.sort_values("srocc", ascending=False, kind="stable").iloc[0]
        splits = int(best["splits"])
        over = f"median over {splits} splits" if splits > 1 else "one split"
        from_imagenet = float(base["srocc"].iloc[0])
        error = standard_error(from_imagenet, int(best["images"]))
        sentence = (
            f"{dataset}, {backbone}: SROCC {number(from_imagenet)} from ImageNet weights alone, "
            f"{number(best['srocc'])} after {best['method']} pretraining ({over}, {best['images']} test "
            f"images{'; ' + PROXY if dataset in proxies else ''})."
        )
        if abs(best["srocc"] - from_imagenet) < error:
            sentence += f" Chance alone moves either by about {number(error)}: no difference is shown."
        sentences.append(sentence)
    return sentences


def scatter_pictures(correlations: pd.DataFrame, results: Path, proxies: Collection[str]) -> list[Picture]:
    """Predicted against given score of each network within its dataset, for the split at the median."""
    within = of_networks(correlations[correlations["dataset"] == correlations["test_dataset"]])
    rows = typical_split(within.drop_duplicates([*MODEL, "split"]).reset_index(drop=True))
    pictures = []
    for run, (_, row) in zip(runs_of(rows), rows.iterrows(), strict=True):
        predictions = run.predictions(results)
        if predictions is None or predictions.empty:
            continue
        method = method_of(run.initialisation)
        caption = (
            f"{run.dataset}, {method}, {run.backbone}: split {run.split}, {len(predictions)} images, "
            f"SROCC {number(row['srocc'])}.{_proxy({run.dataset}, proxies)}"
        )
        name = file_stem("scatter", run.dataset, run.backbone, run.initialisation)
        curve = row["mapping"] == "logistic"
        pictures.append(scatter(predictions, curve=curve, name=name, caption=caption, method=method))
    return pictures


def pretraining_pictures(runs: Sequence[Run], results: Path) -> list[Picture]:
    """The loss of every pretraining that the runs start from."""
    pictures = []
    for pretraining in pretrainings_of(runs, results):
        history = pretraining.history(results)
        if history is not None and len(history):
            name = file_stem("pretraining", *(part for part in pretraining if part))
            pictures.append(pretraining_curves(history, name=name, caption=f"{pretraining.name}."))
    return pictures


def finetuning_pictures(runs: Sequence[Run], results: Path) -> list[Picture]:
    """Training loss and validation SROCC by dataset and backbone, one line a split."""
    histories: dict[tuple[str, str], dict[Run, pd.DataFrame]] = {}
    for run in runs:
        history = run.history(results)
        if history is not None and len(history):
            one = run._replace(test_dataset="")
            histories.setdefault((run.dataset, run.backbone), {})[one] = history
    pictures = []
    for (dataset, backbone), found in histories.items():
        lines = [(method_of(run.initialisation), history) for run, history in found.items()]
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
    correlations: pd.DataFrame, results: Path, base: Path, proxies: Collection[str]
) -> list[Extremes]:
    """The outstanding test images of each dataset, as its best network sees them."""
    if correlations.empty:
        return []
    summary = summarise(of_networks(correlations))
    within = summary[(summary["dataset"] == summary["test_dataset"]) & summary["srocc"].notna()]
    found = []
    for dataset, rows in within.groupby("dataset", sort=False):
        best = rows.sort_values("srocc", ascending=False, kind="stable").iloc[0]
        same = np.logical_and.reduce([correlations[field] == best[field] for field in MODEL])
        tables = [run.predictions(results) for run in runs_of(correlations[same])]
        there = [table for table in tables if table is not None and len(table)]
        if there:
            model = f"{method_of(best['initialisation'])}, {best['backbone']}"
            groups = examples(pd.concat(there), base)
            found.append(Extremes(str(dataset), model, dataset in proxies, groups))
    return found


def _proxy(datasets: Collection[str], proxies: Collection[str]) -> str:
    used = sorted(set(datasets) & set(proxies))
    return f" {', '.join(used)}: {PROXY}." if used else ""
