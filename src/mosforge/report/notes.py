"""The caveats, in plain words, that stand beside the numbers they concern."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core.runs import BRISQUE, NO_NETWORK
from mosforge.report.methods import METRIC_NAMES, backbone_of
from mosforge.report.protocol import differences
from mosforge.report.published import TABLE_OF, averaged_over
from mosforge.report.summary import number, pair_words, standard_error

PROXY = "proxy scores, not human scores"

INDEPENDENT = (
    "Every interval over test images takes them for independent of one another. Where several show the same "
    "photograph, it is rather too narrow than too wide."
)

PLAIN_AVERAGE = (
    "Weighted average: the measured ones are weighted by the datasets' number of images. The paper's, but "
    "for Deep-FL's, are in fact plain means: weighted by images, its Proposed would come to an SROCC of "
    "0.917 instead of 0.940. So measured and published ones do not compare, and none is marked."
)
"""About the last column of the paper's Table 1, where the measured averages go over the same datasets."""

BY_ORDER = "by order alone, whatever chance may have done"
"""What the marks of the best and the second best tell."""

FEW_SPLITS = 5
FEW_IMAGES = 500
"""Below these a table says how little its numbers rest on."""


def proxy_note(datasets: Collection[str]) -> str:
    """The sentence that accompanies every number made from proxy scores."""
    return (
        f"{_listed(sorted(datasets))}: {PROXY}. The numbers do not tell how well people's judgement is met."
    )


def proxy_words(datasets: Collection[str], proxies: Collection[str]) -> str:
    """Which of the datasets have no human scores, to be put behind a caption; nothing where all have."""
    used = sorted(set(datasets) & set(proxies))
    return f" {_listed(used)}: {PROXY}." if used else ""


def table_notes(
    experiment: str,
    summary: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    human: Sequence[tuple[str, str]],
    proxies: Collection[str],
    *,
    published: bool,
    averaged: bool,
    protocol: Mapping[str, Any],
) -> list[str]:
    """The notes below a table of correlations.

    Args:
        experiment: its name.
        summary: what `summarise` returned, and the names of the methods as `method`.
        pairs: (training dataset, test dataset) of all columns.
        human: those of them with human scores on both sides.
        proxies: datasets with proxy scores.
        published: whether rows of the paper stand in the table.
        averaged: whether there is a weighted average.
        protocol: how it was measured, as `differences` takes it.
    """
    datasets = list(dict.fromkeys(name for pair in pairs for name in pair))
    used = [name for name in datasets if name in set(proxies)]
    notes = [proxy_note(used)] if used else []
    notes += _about_published(experiment, summary, human, published)
    if averaged:
        notes += _about_average(experiment, [test for _, test in human])
    backbones = set(summary["backbone"]) - {NO_NETWORK}
    if found := differences(experiment, backbones, protocol):
        notes.append(f"Measured otherwise than in the paper, whose own is in brackets: {'; '.join(found)}.")
    return notes + _about_comparisons(summary) + _about_mappings(summary) + _about_size(summary)


def _about_comparisons(summary: pd.DataFrame) -> list[str]:
    measures = list(dict.fromkeys(summary.loc[summary["backbone"] == NO_NETWORK, "initialisation"]))
    notes = []
    if metrics := [METRIC_NAMES[name] for name in measures if name != BRISQUE]:
        verb = "sees" if len(metrics) == 1 else "see"
        notes.append(
            f"{_listed(metrics)} {verb} the undistorted picture, which no network does; nothing was fitted."
        )
    if BRISQUE in measures:
        notes.append(
            "BRISQUE: piq's features and a support vector regression, fitted to the training part of a split."
        )
    return notes


def _about_mappings(summary: pd.DataFrame) -> list[str]:
    notes = []
    for _, row in summary[summary["unmapped"] > 0].iterrows():
        where = f" in {row['unmapped']} of {row['splits']} splits" if row["splits"] > 1 else ""
        model = ", ".join(filter(None, (row["method"], backbone_of(row["backbone"]))))
        name = f"{model}, on {pair_words(row['dataset'], row['test_dataset'])}"
        notes.append(f"{name}: the logistic did not converge{where}; the raw PLCC and RMSE stand there.")
    return notes


def _about_published(
    experiment: str, summary: pd.DataFrame, human: Sequence[tuple[str, str]], published: bool
) -> list[str]:
    if published:
        start = f"Published rows are copied from the paper's Table {TABLE_OF[experiment]}"
        if (summary["dataset"] != summary["test_dataset"]).any():
            return [f"{start}."]
        counts = sorted({int(count) for count in summary["splits"]})
        splits = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
        return [
            f"{start}; it does not state how many splits it used (here {splits}), nor whether its PLCC is "
            "mapped. The measured PLCC is that of the raw predictions."
        ]
    if experiment == "ablation":
        return ["The paper shows its ablation as bars (Fig. 3), without numbers: nothing published to print."]
    if experiment not in TABLE_OF:
        return ["This experiment is not one of the paper's tables: it has no published rows."]
    about = "these datasets" if human else "proxy scores"
    return [f"The paper's Table {TABLE_OF[experiment]} has no numbers for {about}: no published rows."]


def _about_average(experiment: str, datasets: Sequence[str]) -> list[str]:
    papers = averaged_over(experiment)
    if set(datasets) == set(papers):
        return [PLAIN_AVERAGE]
    other = f"; the paper's goes over {_listed(papers)}, and does not stand beside it" if papers else ""
    return [f"Weighted average: over {_listed(datasets)}, weighted by their number of images{other}."]


def _about_size(summary: pd.DataFrame) -> list[str]:
    notes = []
    for dataset, rows in summary.groupby("test_dataset", sort=False):
        images, splits = int(rows["images"].max()), int(rows["splits"].max())
        reasons = []
        if images < FEW_IMAGES:
            error = standard_error(float(rows["srocc"].max()), images)
            reasons.append(
                f"with {images} test images one standard error of an SROCC is about {number(error)}, "
                "and its 95% interval reaches about two of them to either side"
                if np.isfinite(error)
                else f"with {images} test images no standard error of an SROCC can be told"
            )
        if splits < FEW_SPLITS and (rows["dataset"] == dataset).any():
            count = "one split says" if splits == 1 else f"{splits} splits say"
            reasons.append(f"{count} little about the spread")
        if reasons:
            notes.append(f"Small data, {dataset}: {'; '.join(reasons)}.")
    return notes


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
