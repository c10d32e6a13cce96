"""How much one pretraining adds to another: differences of SROCC within a split, each with its interval."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core.runs import FINETUNE, Run
from mosforge.models.objectives import corpus_and_objective, side_by_side
from mosforge.report.blocks import Cell, Grid, model_cell, say
from mosforge.report.summary import MODEL, clean_values, of_networks
from mosforge.report.words import (
    BOTH,
    PLAIN,
    PROXY,
    Start,
    dataset_pair,
    method_names,
    method_of,
    number,
    signed,
)
from mosforge.statistics.intervals import interval_of_difference
from mosforge.statistics.repetitions import corrected_interval

Predictions = Callable[[Run], pd.DataFrame | None]
"""The predictions of a run, if they are there."""

SPLITS, CONTENTS = "splits", "contents of test images"
"""What an interval is taken over."""

GAIN = [
    *("experiment", "method", "against", "backbone", "train_dataset", "test_dataset", "metric"),
    *("difference", "low", "high", "interval_over"),
    *("splits", "trainings", "images", "contents", "clean", "note"),
]
"""The columns of the table of gains."""


def gains_of(
    experiment: str, correlations: pd.DataFrame, predictions: Predictions, proxies: Collection[str] = ()
) -> pd.DataFrame:
    """The SROCC that a method gains over ImageNet weights, and CLS+REG over CLS and over REG.

    A method that is not fine-tuned is compared with those of the same adaptation, and with FT.

    Args:
        experiment: its name.
        correlations: rows of the artefact `correlations`.
        predictions: asked for the runs of what was measured in a single split.
        proxies: datasets whose scores are no human ones.

    Returns:
        A row for each two methods that share splits, with the columns `GAIN`: `difference` is the mean SROCC
        of `method` less that of `against`; `low` and `high` are its 95% interval, and `interval_over` says
        what it is taken over. Over several splits that is the corrected resampled t-test of the paired
        differences; of a single split the range of 95% of the resamples of the contents of its test images,
        on which both are measured. Several trainings of a split count with their mean, and their noise is in
        the interval. Where the difference is the same in all splits or resamples there is no interval.
        `clean` is the difference without the test images whose content is trained on, if there are any.
        Further columns are `initialisation` and `adaptation`, of `method`, and `first` and `second`, the
        medians of the two models, as the table of the experiment has them.
    """
    rows = of_networks(correlations).drop_duplicates([*MODEL, "split", "seed"])
    names = method_names(correlations)
    found = []
    for (train, backbone, test), group in rows.groupby(["dataset", "backbone", "test_dataset"], sort=False):
        measured = {
            (str(start), str(adaptation)): table.set_index(["split", "seed"])
            for (start, adaptation), table in group.groupby(["initialisation", "adaptation"], sort=False)
        }
        for name, base in _pairs(list(measured)):
            both = _paired(measured[name], measured[base])
            if both.empty:
                continue
            shared = both.index.tolist()
            runs = [Run(str(train), split, str(backbone), "", str(test), seed) for split, seed in shared]
            splits = both.groupby(level="split", sort=False)
            sroccs = splits[["srocc", "base"]].agg(_mean)
            differences = sroccs["srocc"] - sroccs["base"]
            if len(differences) > 1:
                ratio = float((splits["contents"].first() / splits["other_contents"].first()).mean())
                ends, over = corrected_interval(differences.tolist(), ratio), SPLITS
            else:
                tables = [[predictions(_of_model(run, *model)) for run in runs] for model in (name, base)]
                ends, over = _over_contents(*tables), CONTENTS
            ends = float(np.clip(ends[0], -2, 2)), float(np.clip(ends[1], -2, 2))  # as far as SROCCs differ
            if not ends[0] < ends[1]:  # without a width it says nothing of other splits and images
                ends, over = (np.nan, np.nan), ""
            note = PROXY if {train, test} & set(proxies) else ""
            medians = [float(np.median(sroccs[name])) for name in ("srocc", "base")]
            counts = (
                len(differences),
                int(splits.size().max()),
                int(both["images"].max()),
                int(both["contents"].max()),
            )
            models = (experiment, names[name], names[base], backbone, train, test, "srocc")
            clean = _mean((both["clean"] - both["base_clean"]).groupby(level="split").agg(_mean))
            gain = (_mean(differences), *ends, over, *counts, clean, note)
            found.append((*models, *gain, *name, *medians))
    return pd.DataFrame(found, columns=[*GAIN, "initialisation", "adaptation", "first", "second"])


def _paired(model: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """The rows of a model with the SROCC of another as `base`, by split and seed, as far as both have them.

    What is not fine-tuned has one seed, 0, and stands beside every training of a split. The columns `clean`
    and `base_clean` hold the SROCC of the clean test images.
    """
    if model["adaptation"].iloc[0] != FINETUNE and base["adaptation"].iloc[0] == FINETUNE:
        shared = [key for key in base.index if (key[0], 0) in model.index]
        rows = model.loc[[(split, 0) for split, _ in shared]].set_axis(base.loc[shared].index)
    else:
        shared = [key for key in model.index if key in base.index]
        rows = model.loc[shared]
    others = base.loc[shared]
    clean, base_clean = clean_values(rows, "srocc"), clean_values(others, "srocc")
    return rows.assign(base=others["srocc"], clean=clean, base_clean=base_clean)


def _of_model(run: Run, initialisation: str, adaptation: str) -> Run:
    """The run of a model in the place of another's."""
    seed = run.seed if adaptation == FINETUNE else 0
    return run._replace(initialisation=initialisation, adaptation=adaptation, seed=seed)


def _pairs(models: Sequence[Start]) -> Iterator[tuple[Start, Start]]:
    """The models that are compared: each with ImageNet weights, then CLS+REG with its halves.

    Networks side by side are compared with each by itself, and what is not fine-tuned with FT.
    """
    for name, adaptation in models:
        corpus, objective = corpus_and_objective(name)
        parts = side_by_side(name)
        bases = ["imagenet", *(parts if len(parts) > 1 else ())]
        if objective == "multitask" and len(parts) == 1:
            bases += [f"{corpus}-cls", f"{corpus}-reg"]
        alike = [(base, adaptation) for base in dict.fromkeys(bases)]
        for base in [*alike, *([("imagenet", FINETUNE)] if adaptation != FINETUNE else [])]:
            if base in models and base != (name, adaptation):
                yield (name, adaptation), base


def _mean(values: "pd.Series[float]") -> float:
    """The mean, which is undefined if one of the values is."""
    return float(values.to_numpy(dtype=float).mean())


def _over_contents(
    first: Sequence[pd.DataFrame | None], second: Sequence[pd.DataFrame | None]
) -> tuple[float, float]:
    """Of the trainings of two models on one split; NaN without comparable predictions."""
    tables = [table.sort_values("image") for table in (*first, *second) if table is not None]
    if len(tables) < len(first) + len(second):
        return np.nan, np.nan
    rows = tables[0]
    if any(table["image"].tolist() != rows["image"].tolist() for table in tables):
        return np.nan, np.nan
    scores = np.array([table["prediction"].to_numpy(dtype=float) for table in tables])
    one, other = scores[: len(first)], scores[len(first) :]
    given, contents = rows["quality"].to_numpy(dtype=float), rows["content"].tolist()
    # the key of `evaluation`, so that these are the resamples of the models' own intervals
    key = (str(rows["test_dataset"].iloc[0]), str(rows["split"].iloc[0]))
    return interval_of_difference(one, other, given, contents, *key)


def gains_grid(gains: pd.DataFrame, corner: str = "method") -> Grid:
    """A row a gain; one whose interval does not hold zero is marked."""
    rows = []
    for gain in gains.to_dict("records"):
        over, place = gain["interval_over"], dataset_pair(gain["train_dataset"], gain["test_dataset"])
        small, mark = ["no interval"], ""
        if over:
            count = gain["splits"] if over == SPLITS else gain["contents"]
            of = f" of {gain['trainings']} trainings" if gain["trainings"] > 1 else ""
            small = [f"95% {signed(gain['low'])} to {signed(gain['high'])}", f"over {count} {over}{of}"]
            mark = "" if gain["low"] <= 0 <= gain["high"] else "best"
        small += [f"clean {signed(gain['clean'])}"] if np.isfinite(gain["clean"]) else []
        model = model_cell(f"{gain['method']} against {gain['against']}", gain["backbone"])
        dataset = Cell(place, style="text", is_proxy=bool(gain["note"]))
        rows.append([model, dataset, Cell(signed(gain["difference"]), small, mark)])
    head = [Cell(corner), Cell("dataset", style="text"), Cell("SROCC gained", ["95% interval"])]
    return Grid(head, {"": rows})


def findings(gains: pd.DataFrame, names: Mapping[Start, str]) -> list[str]:
    """What CLS+REG adds to ImageNet weights within each dataset, each with its interval, in a sentence.

    If there is no CLS+REG, what the first method adds that the configuration names; none is chosen by its
    score.

    Args:
        gains: of all experiments.
        names: of methods, alike on the whole page.
    """
    return [
        _finding(gain, names[gain["initialisation"], FINETUNE])
        for gain in _headlines(gains).to_dict("records")
    ]


def summary_of_findings(gains: pd.DataFrame) -> str:
    """What several findings come to: of how many the interval lies above zero, and of how many below."""
    rows = _headlines(gains)
    above, below = (rows["low"] > 0).sum(), (rows["high"] < 0).sum()
    proxy = f" (some with {PROXY})" if (rows["note"] == PROXY).any() else ""
    return say("findings", len(rows), proxy, above, below, len(rows) - above - below)


def _headlines(gains: pd.DataFrame) -> pd.DataFrame:
    """The gains that `findings` tells."""
    within = gains[(gains["against"] == PLAIN) & (gains["train_dataset"] == gains["test_dataset"])]
    within = within[within["adaptation"] == FINETUNE]
    within = within.drop_duplicates(["test_dataset", "backbone", "initialisation"])
    chosen = []
    for _, group in within.groupby(["test_dataset", "backbone"], sort=False):
        is_proposed = group["initialisation"].map(method_of) == BOTH
        chosen.append(group[is_proposed] if is_proposed.any() else group.head(1))
    return pd.concat(chosen) if chosen else within


def _difference(gain: Mapping[Any, Any]) -> str:
    return signed(gain["difference"]) + (" on average within a split" if gain["splits"] > 1 else "")


def _finding(gain: Mapping[Any, Any], method: str) -> str:
    over = f"medians over {gain['splits']} splits" if gain["splits"] > 1 else "one split"
    over += f" of {gain['trainings']} trainings" if gain["trainings"] > 1 else ""
    note = f"; {gain['note']}" if gain["note"] else ""
    up_to = "up to " if gain["splits"] > 1 else ""
    place = f"{gain['test_dataset']}, {gain['backbone']}"
    medians = number(gain["second"]), number(gain["first"])
    text = say("finding", place, *medians, method, f"{over}, {up_to}{gain['images']} test images{note}")
    if not gain["interval_over"]:
        return text + say("finding_without_interval")
    shows = f"all of it {'above' if gain['low'] > 0 else 'below'} zero"
    if gain["low"] <= 0 <= gain["high"]:
        shows = "it contains zero, so no difference is shown"
    what = "resampled contents of test images" if gain["interval_over"] == CONTENTS else "splits"
    ends = signed(gain["low"]), signed(gain["high"])
    return text + say("finding_interval", _difference(gain), what, *ends, shows)
