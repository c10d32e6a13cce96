"""The caveats, in plain words, that stand beside the numbers they concern."""

from collections.abc import Collection, Sequence

import pandas as pd

from mosforge.configuration import BRISQUE, NO_NETWORK
from mosforge.report.published import TABLE_OF
from mosforge.report.summary import method_of, number, standard_error

PROXY = "proxy scores, not human scores"

FEW_SPLITS = 5
FEW_IMAGES = 500
"""Below these a table says how little its numbers rest on."""


def proxy_note(datasets: Collection[str]) -> str:
    """The sentence that accompanies every number made from proxy scores."""
    return (
        f"{_listed(sorted(datasets))}: {PROXY}. The numbers do not tell how well people's judgement is met."
    )


def table_notes(
    experiment: str,
    summary: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    human: Sequence[tuple[str, str]],
    proxies: Collection[str],
    published: bool,
) -> list[str]:
    """The notes below a table of correlations.

    Args:
        experiment: its name.
        summary: what `summarise` returned.
        pairs: (training dataset, test dataset) of all columns.
        human: those of them with human scores on both sides.
        proxies: datasets with proxy scores.
        published: whether rows of the paper stand in the table.
    """
    datasets = list(dict.fromkeys(name for pair in pairs for name in pair))
    used = [name for name in datasets if name in set(proxies)]
    notes = [proxy_note(used)] if used else []
    notes += _about_published(experiment, summary, human, published)
    return notes + _about_comparisons(summary) + _about_intervals(summary) + _about_size(summary)


def _about_comparisons(summary: pd.DataFrame) -> list[str]:
    measures = list(dict.fromkeys(summary.loc[summary["backbone"] == NO_NETWORK, "initialisation"]))
    notes = []
    if metrics := [method_of(name) for name in measures if name != BRISQUE]:
        verb = "sees" if len(metrics) == 1 else "see"
        notes.append(
            f"{_listed(metrics)} {verb} the undistorted picture, which no network does; nothing was fitted."
        )
    if BRISQUE in measures:
        notes.append(
            "BRISQUE: piq's features and a support vector regression, fitted to the training part of a split."
        )
    return notes


def _about_intervals(summary: pd.DataFrame) -> list[str]:
    beside = "95% of 1,000 resamples of the test images"
    if summary["splits"].max() > 1:
        notes = [
            "Measured values are medians over the splits, given with their quartiles; of a single split, "
            f"with the range of {beside}."
        ]
    else:
        notes = [f"Beside each measured value stands the range of {beside}."]
    for _, row in summary[summary["unmapped"] > 0].iterrows():
        where = f"{row['unmapped']} of {row['splits']} splits" if row["splits"] > 1 else "its split"
        name = f"{method_of(row['initialisation'])} on {row['test_dataset']}"
        notes.append(f"{name}: the logistic did not converge in {where}; the raw PLCC and RMSE stand there.")
    return notes


def _about_published(
    experiment: str, summary: pd.DataFrame, human: Sequence[tuple[str, str]], published: bool
) -> list[str]:
    if published:
        backbones = sorted(set(summary["backbone"]) - {"resnet50", NO_NETWORK})
        other = f" Measured here with {_listed(backbones)}; the paper used ResNet-50." if backbones else ""
        unsaid = (
            "; it does not state how many splits it used, nor whether its PLCC is mapped. "
            "The measured PLCC is that of the raw predictions."
        )
        crossed = (summary["dataset"] != summary["test_dataset"]).any()
        start = f"Published rows are copied from the paper's Table {TABLE_OF[experiment]}"
        return [f"{start}{'.' if crossed else unsaid}{other}"]
    if experiment == "ablation":
        return ["The paper shows its ablation as bars (Fig. 3), without numbers: nothing published to print."]
    if experiment not in TABLE_OF:
        return ["This experiment is not one of the paper's tables: it has no published rows."]
    about = "these datasets" if human else "proxy scores"
    return [f"The paper's Table {TABLE_OF[experiment]} has no numbers for {about}: no published rows."]


def _about_size(summary: pd.DataFrame) -> list[str]:
    notes = []
    for dataset, rows in summary.groupby("test_dataset", sort=False):
        images, splits = int(rows["images"].max()), int(rows["splits"].max())
        reasons = []
        if images < FEW_IMAGES:
            error = number(standard_error(float(rows["srocc"].max()), images))
            reasons.append(f"with {images} test images, chance alone moves an SROCC by about {error}")
        if splits < FEW_SPLITS and (rows["dataset"] == dataset).any():
            count = "one split says" if splits == 1 else f"{splits} splits say"
            reasons.append(f"{count} little about the spread")
        if reasons:
            notes.append(f"Small data, {dataset}: {'; '.join(reasons)}.")
    return notes


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
