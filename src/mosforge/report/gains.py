"""How much one pretraining adds to another: differences of SROCC within a split, each with its interval."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core.runs import Run
from mosforge.models.objectives import corpus_and_objective
from mosforge.report.blocks import Cell, Grid, model_cell, say
from mosforge.report.summary import MODEL, of_networks
from mosforge.report.words import BOTH, PLAIN, PROXY, dataset_pair, method_names, method_of, number, signed
from mosforge.statistics.intervals import interval_of_difference
from mosforge.statistics.repetitions import corrected_interval

Predictions = Callable[[Run], pd.DataFrame | None]
"""The predictions of a run, if they are there."""

SPLITS, IMAGES = "splits", "test images"
"""What an interval is taken over."""

GAIN = [
    *("experiment", "method", "against", "backbone", "train_dataset", "test_dataset", "metric"),
    *("difference", "low", "high", "interval_over", "splits", "images", "note"),
]
"""The columns of the table of gains."""


def gains_of(
    experiment: str, correlations: pd.DataFrame, predictions: Predictions, proxies: Collection[str] = ()
) -> pd.DataFrame:
    """The SROCC that a pretraining gains over ImageNet weights, and CLS+REG over CLS and over REG.

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
        on which both are measured.
        Further columns are `initialisation`, of `method`, and `first` and `second`, the two means.
    """
    rows = of_networks(correlations).drop_duplicates([*MODEL, "split"])
    names = method_names(correlations)
    found = []
    for (train, backbone, test), group in rows.groupby(["dataset", "backbone", "test_dataset"], sort=False):
        measured = {str(name): table.set_index("split") for name, table in group.groupby("initialisation")}
        for name, base in _pairs(list(dict.fromkeys(group["initialisation"]))):
            shared = [split for split in measured[name].index if split in measured[base].index]
            if not shared:
                continue
            first, second = (measured[key].loc[shared, "srocc"].to_numpy(dtype=float) for key in (name, base))
            if len(shared) > 1:
                tested, others = (
                    measured[name].loc[shared, key].to_numpy(dtype=float)
                    for key in ("contents", "other_contents")
                )
                ratio = float(np.mean(tested / others))
                ends, over = corrected_interval((first - second).tolist(), ratio), SPLITS
            else:
                run = Run(str(train), shared[0], str(backbone), name, str(test))
                tables = predictions(run), predictions(run._replace(initialisation=base))
                ends, over = _over_images(*tables), IMAGES
            over = over if np.isfinite(ends).all() else ""
            note = PROXY if {train, test} & set(proxies) else ""
            means = float(first.mean()), float(second.mean())
            images = int(measured[name].loc[shared, "images"].max())
            models = (experiment, names[name], names[base], backbone, train, test, "srocc")
            gain = (means[0] - means[1], *ends, over, len(shared), images, note)
            found.append((*models, *gain, name, *means))
    return pd.DataFrame(found, columns=[*GAIN, "initialisation", "first", "second"])


def _pairs(initialisations: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The initialisations that are compared: each with ImageNet weights, then CLS+REG with its halves."""
    for name in initialisations:
        corpus, objective = corpus_and_objective(name)
        bases = [] if name == "imagenet" else ["imagenet"]
        if objective == "multitask":
            bases += [f"{corpus}-cls", f"{corpus}-reg"]
        yield from ((name, base) for base in bases if base in initialisations)


def _over_images(first: pd.DataFrame | None, second: pd.DataFrame | None) -> tuple[float, float]:
    """Of two models that were tested on the same images; NaN if their predictions are not there."""
    if first is None or second is None:
        return np.nan, np.nan
    # in the order in which a resample draws positions
    one, other = (table.sort_values("image").reset_index(drop=True) for table in (first, second))
    if not one["image"].equals(other["image"]):
        return np.nan, np.nan
    columns = (one["prediction"], other["prediction"], one["quality"])
    first_scores, second_scores, given = (column.to_numpy(dtype=float) for column in columns)
    # the key of `evaluation`, so that these are the resamples of the models' own intervals
    key = (str(one["test_dataset"].iloc[0]), str(one["split"].iloc[0]))
    contents = one["content"].tolist()
    return interval_of_difference(first_scores[None], second_scores[None], given, contents, *key)


def gains_grid(gains: pd.DataFrame) -> Grid:
    """A row a gain; one whose interval does not hold zero is marked."""
    rows = []
    for gain in gains.to_dict("records"):
        over, place = gain["interval_over"], dataset_pair(gain["train_dataset"], gain["test_dataset"])
        small, mark = ["no interval"], ""
        if over:
            count = gain["splits"] if over == SPLITS else gain["images"]
            small = [f"95% {signed(gain['low'])} to {signed(gain['high'])}", f"over {count} {over}"]
            mark = "" if gain["low"] <= 0 <= gain["high"] else "best"
        model = model_cell(f"{gain['method']} against {gain['against']}", gain["backbone"])
        dataset = Cell(place, style="text", is_proxy=bool(gain["note"]))
        rows.append([model, dataset, Cell(signed(gain["difference"]), small, mark)])
    head = [Cell("method"), Cell("dataset", style="text"), Cell("SROCC gained", ["95% interval"])]
    return Grid(head, {"": rows})


def findings(gains: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """What CLS+REG adds to ImageNet weights within each dataset, each with its interval, in a sentence.

    If there is no CLS+REG, what the first method adds that the configuration names; none is chosen by its
    score.

    Args:
        gains: of all experiments.
        names: initialisation -> name of its method, alike on the whole page.
    """
    within = gains[(gains["against"] == PLAIN) & (gains["train_dataset"] == gains["test_dataset"])]
    sentences = []
    for _, group in within.drop_duplicates(["test_dataset", "backbone", "initialisation"]).groupby(
        ["test_dataset", "backbone"], sort=False
    ):
        is_proposed = group["initialisation"].map(method_of) == BOTH
        chosen = group[is_proposed] if is_proposed.any() else group.head(1)
        sentences += [_finding(gain, names[gain["initialisation"]]) for gain in chosen.to_dict("records")]
    return sentences


def _finding(gain: Mapping[Any, Any], method: str) -> str:
    over = f"means over {gain['splits']} splits" if gain["splits"] > 1 else "one split"
    note = f"; {gain['note']}" if gain["note"] else ""
    place = f"{gain['test_dataset']}, {gain['backbone']}"
    means = number(gain["second"]), number(gain["first"])
    text = say("finding", place, *means, method, f"{over}, {gain['images']} test images{note}")
    if not gain["interval_over"]:
        return text + say("finding_without_interval")
    shows = f"all of it {'above' if gain['low'] > 0 else 'below'} zero"
    if gain["low"] <= 0 <= gain["high"]:
        shows = "it contains zero, so no difference is shown"
    what = "resampled contents of test images" if gain["interval_over"] == IMAGES else "splits"
    ends = signed(gain["low"]), signed(gain["high"])
    return text + say("finding_interval", signed(gain["difference"]), what, *ends, shows)
