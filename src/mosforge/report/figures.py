"""The figures of the page: learning curves, bars, labels, scatter plots and rating budgets."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mosforge.core import layout
from mosforge.core.runs import FINETUNE, NO_ADAPTATION, Run
from mosforge.core.schemas.metrics import DISTANCES, METRICS
from mosforge.core.words import plural
from mosforge.report import drawing, words
from mosforge.report.artefacts import Artefacts, runs_of
from mosforge.report.blocks import say
from mosforge.report.budgets import by_figure
from mosforge.report.drawing import Figure
from mosforge.report.experiment_table import ExperimentTable
from mosforge.report.published import AVERAGE
from mosforge.report.settings import Scale
from mosforge.statistics.intervals import FEWEST_CONTENTS
from mosforge.statistics.logistic import fit_logistic, logistic

MANY_POINTS = 3000
"""Above this a scatter's points are embedded as pixels: as shapes they would take megabytes."""

_DASHES = {FINETUNE: "-", NO_ADAPTATION: ":"}
"""The lines of rating budgets, by adaptation."""

_Line = tuple[str, str, "pd.Series[float]"]
"""The name, colour and values of a curve, by epoch."""

_ABOVE: Mapping[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
"""Where a legend stands."""


def finetuning_curves(artefacts: Artefacts) -> list[Figure]:
    """Training loss and validation SROCC by dataset and backbone, one line a training."""
    found: dict[tuple[str, str], dict[Run, pd.DataFrame]] = {}
    for run in artefacts.finetuned:
        rows = artefacts.epochs(layout.FINETUNED, **run.wildcards)
        if rows is not None:
            alike = run._replace(test_dataset="")
            found.setdefault((run.dataset, run.backbone), {})[alike] = rows.set_index("epoch")
    figures = []
    labels = {"loss": "training loss (L1)", "validation_srocc": "validation SROCC"}
    for place, histories in found.items():
        methods = [artefacts.name_of(run) for run in histories]
        for column, label in labels.items():
            curves = [rows[column].dropna() for rows in histories.values()]
            if any(map(len, curves)):
                colours = map(drawing.colour_of, methods)
                name = drawing.file_stem("finetuning", *place, column)
                caption = say(column, ", ".join(place), plural(len(curves), "run"))
                figures.append(
                    _curves(list(zip(methods, colours, curves, strict=True)), label, name, caption)
                )
    return figures


def pretraining_curves(artefacts: Artefacts) -> list[Figure]:
    """The loss of every pretraining that the runs start from; if it has two parts, these and their sum."""
    figures = []
    for item, epochs in artefacts.pretrainings.items():
        rows = epochs.set_index("epoch")
        parts = [
            ("classes", drawing.colour_of("CLS"), rows["class_loss"].dropna()),
            ("score", drawing.colour_of("REG"), rows["score_loss"].dropna()),
        ]
        parts = [part for part in parts if len(part[2])]
        whole = [("sum", drawing.INK, rows["loss"])] if len(parts) != 1 else []
        which = f", for {item.dataset}, {words.split_name(item.split)}" if item.split else ""
        caption = f"{words.method_of(item.objective)} on the corpus {item.corpus}, {item.backbone}{which}."
        name = drawing.file_stem("pretraining", *item)
        figures.append(_curves([*whole, *parts], "training loss", name, caption))
    return figures


def _curves(lines: Sequence[_Line], label: str, name: str, caption: str) -> Figure:
    """A thin line for each curve, each name once in the legend; of a colour, a further name is dashed."""
    styles: dict[str, tuple[str, str]] = {}
    with drawing.canvas(3.3, 2.5, grid="y") as (canvas, axes):
        for method, colour, curve in lines:
            text = f"_{method}" if method in styles else method
            alike = [its for its, _ in styles.values()].count(colour)
            _, dash = styles.setdefault(method, (colour, ("-", "--", ":", "-.")[alike % 4]))
            marker = "o" if len(curve) < 4 else ""
            axes.plot(curve, dash, color=colour, label=text, marker=marker, markersize=3, linewidth=1.1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.set(xlabel="epoch", ylabel=label)
        if len(styles) > 1:
            axes.legend(ncols=min(len(styles), 2 if max(map(len, styles)) > 10 else 4), **_ABOVE)
        return drawing.finish(canvas, name, caption)


def bars(table: ExperimentTable, proxies: Collection[str]) -> list[Figure]:
    """The SROCC of the models of each training and test dataset, with its intervals, all on one axis.

    A dataset is left out if one model was tested within it, and no other. A model without a correlation,
    whose predictions are constant, has no bar.
    """
    pairs = [(pair, table.sroccs(pair)) for pair in table.pairs if pair[1] != AVERAGE]
    shown = [rows for (train, test), rows in pairs if train != test or len(rows) > 1]
    if not shown:
        return []
    every = pd.concat(shown)
    groups = [group for rows in shown for _, group in rows.groupby("backbone", sort=False)]
    ends = every[["value", "low", "high", "q25", "q75"]].to_numpy(dtype=float)
    known = ends[np.isfinite(ends)]
    right = max(known.max(initial=0.0), 0.1)
    with drawing.canvas(4.0, 0.6 + 0.25 * (len(every) + 1.2 * len(groups))) as (canvas, axes):
        places: dict[float, str] = {}
        place = -1.2
        for group in groups:
            place += 1.2
            first = group.iloc[0]
            pair = words.dataset_pair(first["train_dataset"], first["test_dataset"])
            title = f"{pair}, {first['backbone'] or 'no network'}"
            axes.text(0.012 * right, place, title, color=drawing.MUTED, va="center", fontsize=7.5)
            for model in group.to_dict("records"):
                place += 1
                places[place] = model["method"]
                _bar(axes, place, model)
                axes.text(right + 0.02, place, words.number(model["value"]), va="center", fontsize=7.5)
        axes.set_yticks(list(places), list(places.values()))
        axes.tick_params(axis="y", length=0, labelcolor=drawing.INK)
        axes.set(ylim=(place + 0.6, -0.6), xlim=(known.min(initial=0.0), right + 0.16), xlabel="SROCC")
        caption = say("bars_of_splits" if (every["splits"] > 1).any() else "bars", FEWEST_CONTENTS)
        datasets = [*every["train_dataset"], *every["test_dataset"]]
        name = drawing.file_stem("bars", table.experiment)
        return [drawing.finish(canvas, name, caption + words.proxy_caption(datasets, proxies))]


def _bar(axes: Axes, place: float, model: Mapping[Any, Any]) -> None:
    if np.isfinite(model["value"]):
        colour = drawing.colour_of(model["method"])
        axes.barh(place, model["value"], height=0.62, alpha=0.8, color=colour)
    for low, high, width in (("low", "high", 1.0), ("q25", "q75", 3.2)):
        if np.isfinite([model[low], model[high]]).all():
            axes.hlines(place, model[low], model[high], color=drawing.INK, linewidth=width)


def label_figures(corpus: str, diagnostics: Mapping[str, Any]) -> tuple[list[Figure], list[Figure]]:
    """The figures of a corpus' labels, from what the rule `diagnose` writes.

    Returns:
        How many images have which label, and which score of each metric; and for each type the label against
        the level, if images have one.
    """
    found = diagnostics["distributions"]
    distributions = [_distribution(corpus, name, found[name]["histogram"]) for name in ("pmos", *METRICS)]
    label = found["pmos"]["quantiles"]
    margin = 0.05 * (label["1"] - label["0"])
    limits = (label["0"] - margin, label["1"] + margin)
    return distributions, [_levels(corpus, kind, limits) for kind in diagnostics["types"]]


def _distribution(corpus: str, name: str, found: Mapping[str, Any]) -> Figure:
    with drawing.canvas(1.9, 1.5) as (canvas, axes):
        colour = drawing.ACCENT if name == "pmos" else drawing.BLUE
        axes.stairs(found["counts"], found["edges"], fill=True, color=colour, alpha=0.85)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        caption = f"{'1 − ' if name in DISTANCES else ''}{words.METRIC_NAMES.get(name, 'label')}"
        return drawing.finish(canvas, drawing.file_stem("pmos", corpus, "distribution", name), caption)


def _levels(corpus: str, kind: Mapping[str, Any], limits: tuple[float, float]) -> Figure:
    """The label against the level: median, and the middle half of the images."""
    found = pd.DataFrame([row["quantiles"] for row in kind["levels"]])
    places = np.array([row["level"] for row in kind["levels"]], dtype=float)
    with drawing.canvas(1.9, 1.5, grid="y") as (canvas, axes):
        axes.fill_between(places, found["0.25"], found["0.75"], color=drawing.ACCENT, alpha=0.22, linewidth=0)
        axes.plot(places, found["0.5"], color=drawing.ACCENT, marker="o", markersize=3)
        axes.set(ylim=limits, xlim=(0.7, max(5.3, places.max() + 0.3)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        name = drawing.file_stem("pmos", corpus, "level", kind["name"])
        return drawing.finish(canvas, name, kind["name"].replace("_", " "))


def scatters(rows: pd.DataFrame, artefacts: Artefacts) -> list[Figure]:
    """For each row of `correlations`, predicted against given score in the unit of the test dataset.

    The axes of all figures of one test dataset are the same.
    """
    shown = []
    for run, row in zip(runs_of(rows), rows.to_dict("records"), strict=True):
        if (found := artefacts.predictions(run)) is not None:
            scale = artefacts.scale(run.test_dataset)
            shown.append((run, row, scale, found.assign(predicted=scale.of(found["prediction"].to_numpy()))))
    limits: dict[str, tuple[float, float]] = {}
    for name in {run.test_dataset for run, *_ in shown}:
        tables = [found[["predicted", "mos"]] for run, *_, found in shown if run.test_dataset == name]
        values = pd.concat(tables).to_numpy(dtype=float)
        margin = 0.04 * (np.ptp(values) or 1.0)
        limits[name] = float(values.min() - margin), float(values.max() + margin)
    return [_scatter(*item, limits[item[0].test_dataset], artefacts) for item in shown]


def _scatter(
    run: Run,
    row: Mapping[Any, Any],
    scale: Scale,
    found: pd.DataFrame,
    limits: tuple[float, float],
    artefacts: Artefacts,
) -> Figure:
    predicted = found["prediction"].to_numpy(dtype=float)
    method, crosses = artefacts.name_of(run), run.dataset != run.test_dataset
    split = "" if crosses else f"{words.split_name(run.split)}, "
    caption = (
        f"{words.dataset_pair(run.dataset, run.test_dataset)}, {method}, {run.backbone}: {split}"
        f"{len(predicted)} images, SROCC {words.number(row['srocc'])}."
        f"{words.proxy_caption((run.dataset, run.test_dataset), artefacts.cfg.proxies)}"
    )
    with drawing.canvas(3.3, 3.1, grid="both") as (canvas, axes):
        alpha = 0.45 if len(predicted) > 100 else 0.7
        colour = drawing.colour_of(method)
        points = axes.scatter(found["predicted"], found["mos"], s=9, alpha=alpha, linewidths=0, color=colour)
        points.set_rasterized(len(predicted) > MANY_POINTS)
        fitted = None
        if row["mapping"] != "none":
            fitted = fit_logistic(predicted, found["quality"].to_numpy(dtype=float))
        if fitted is not None:
            x = np.linspace(predicted.min(), predicted.max(), 120)
            curve = scale.of(logistic(x, *fitted))
            axes.plot(scale.of(x), curve, color=drawing.INK, linewidth=1.2)
        worse = say("lower_is_better") if scale.best < scale.worst else ""
        axes.set(xlabel=f"predicted score{worse}", ylabel=f"given score{worse}", xlim=limits, ylim=limits)
        tested = run.test_dataset if crosses else ""
        adapted = "" if run.adaptation == FINETUNE else run.adaptation
        start = (run.backbone, run.initialisation, adapted)
        name = drawing.file_stem("scatter", run.dataset, tested, *start)
        return drawing.finish(canvas, name, caption)


def budget_curves(experiment: str, found: pd.DataFrame, proxies: Collection[str]) -> list[Figure]:
    """For each dataset and backbone, a line a method; measures without a network stand in each figure.

    Args:
        experiment: its name.
        found: what `by_method` returns.
        proxies: the datasets whose scores are no human ones.
    """
    figures = []
    for (train, test, backbone), rows in by_figure(found):
        numbers = list(dict.fromkeys(rows["ratings"]))
        with drawing.canvas(4.6, 3.4, grid="both") as (canvas, axes):
            for method, line in rows.groupby("method", sort=False):
                places = line["ratings"].map(numbers.index)
                several = bool((line["splits"] > 1).any())
                low, high = (line[f"srocc_{end}"] for end in (("q25", "q75") if several else ("low", "high")))
                colour = drawing.colour_of(str(method))
                dash = _DASHES.get(line["adaptation"].iloc[0], "--")
                axes.fill_between(places, low, high, color=colour, alpha=0.13, linewidth=0)
                axes.plot(places, line["srocc"], dash, color=colour, label=method, marker="o", markersize=3)
            axes.set_xticks(range(len(numbers)), numbers)
            axes.set(xlabel="rated images", ylabel="SROCC")
            axes.legend(ncols=2, **_ABOVE)
            splits = plural(int(rows["splits"].max()), "split")
            caption = (
                f"{words.dataset_pair(train, test)}, {backbone}: SROCC against the number of rated images, "
                f"{splits}.{words.proxy_caption((train, test), proxies)}"
            )
            stem = drawing.file_stem("ratings", experiment, train, test if test != train else "", backbone)
            figures.append(drawing.finish(canvas, stem, caption))
    return figures
