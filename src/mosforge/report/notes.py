"""The caveats, in plain words, that stand beside the numbers that they concern."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mosforge.core.runs import BRISQUE, NO_ADAPTATION, NO_NETWORK, PROBE
from mosforge.core.words import plural
from mosforge.report import words
from mosforge.report.blocks import say
from mosforge.report.published import TABLE_OF, averaged_over, deviations
from mosforge.report.settings import Protocol, TableSettings
from mosforge.report.summary import of_networks

FEW_SPLITS = 5
FEW_CONTENTS = 500
"""Below these a table says how little its numbers rest on."""


def table_notes(
    experiment: str,
    summary: pd.DataFrame,
    human: Sequence[tuple[str, str]],
    cfg: TableSettings,
    *,
    has_published: bool,
    used: Mapping[str, Mapping[str, int]],
) -> list[str]:
    """The notes below a table of correlations.

    Args:
        experiment: its name.
        summary: what `summarise` returns, with the names of the methods in `method`.
        human: (training dataset, test dataset) of the columns that have human scores on both sides.
        cfg: of the table.
        has_published: whether rows of the paper stand in the table.
        used: corpus -> what it was made of, see `deviations`.
    """
    proxies = {*summary["dataset"], *summary["test_dataset"]} & set(cfg.proxies)
    crossed = bool((summary["dataset"] != summary["test_dataset"]).any())
    notes = [words.proxy_note(proxies)] if proxies else []
    if seen := sorted({*summary["dataset"], *summary["test_dataset"]} & set(cfg.seen)):
        notes.append(say("seen", words.listed(seen)))
    key = ("published" if crossed else "published_within") if has_published else "no_published"
    notes.append(say(key, TABLE_OF.get(experiment), words.span(summary["splits"])))
    if len(human) > 1 and not crossed:
        notes.append(_about_average(experiment, [test for _, test in human]))
    backbones = set(of_networks(summary)["backbone"])
    if found := deviations(experiment, backbones, cfg.protocol, used):
        notes.append(say("deviations", "; ".join(found)))
    return [
        *notes,
        *_about_adaptations(summary, cfg.protocol),
        *_about_comparisons(summary),
        *_about_mappings(summary),
        *_about_size(summary),
    ]


def about_contents(correlations: pd.DataFrame) -> list[str]:
    """Of each split, or pair of datasets, how many test images show a content that is trained on."""
    counts = spoiled_splits(correlations)[["place", "images", "clean_images"]].to_numpy()
    return [
        say("contents", place, int(images - clean), images, int(clean)) for place, images, clean in counts
    ]


def spoiled_splits(correlations: pd.DataFrame) -> pd.DataFrame:
    """The splits with test images whose content is trained on.

    Returns:
        A row a split: `dataset`, `test_dataset`, `split`, `images`, `clean_images`, and `place`, how it is
        called.
    """
    keys = ["dataset", "test_dataset", "split"]
    spoiled = correlations[correlations["clean_images"] < correlations["images"]]
    found = spoiled.sort_values("images", ascending=False, kind="stable").drop_duplicates(keys).sort_index()
    places = [
        words.dataset_pair(train, test) + (f", {words.split_name(split)}" if train == test else "")
        for train, test, split in found[keys].to_numpy()
    ]
    return found[[*keys, "images", "clean_images"]].assign(place=places)


def _about_average(experiment: str, datasets: Sequence[str]) -> str:
    papers = averaged_over(experiment)
    if set(datasets) == set(papers):
        return say("plain_average")
    other = say("other_average", words.listed(papers)) if papers else ""
    return say("average", words.listed(datasets), other)


def _about_adaptations(summary: pd.DataFrame, protocol: Protocol) -> list[str]:
    """What was done with the networks that are not fine-tuned."""
    there = set(of_networks(summary)["adaptation"])
    crops = protocol.evaluation.get("feature_crops")
    mean = f", the mean over {crops} random crops of an image" if crops else ""
    keys = {PROBE: "probe", NO_ADAPTATION: "zero_shot"}
    return [say(key, mean) for adaptation, key in keys.items() if adaptation in there]


def _about_comparisons(summary: pd.DataFrame) -> list[str]:
    measures = list(dict.fromkeys(summary.loc[summary["backbone"] == NO_NETWORK, "initialisation"]))
    metrics = [words.METRIC_NAMES[name] for name in measures if name in words.METRIC_NAMES]
    others = [name.upper() for name in measures if name != BRISQUE and name not in words.METRIC_NAMES]
    see = f"{words.listed(metrics)} {'sees' if len(metrics) == 1 else 'see'}" if metrics else ""
    notes = [say("references", see)] * bool(metrics) + [say("brisque")] * (BRISQUE in measures)
    return [*notes, *([say("own_scores", words.listed(others))] if others else [])]


def _about_mappings(summary: pd.DataFrame) -> list[str]:
    notes = []
    for kind, key in (("unmapped", "unmapped"), ("falling", "falling_fit")):
        for row in summary[summary[kind] > 0].to_dict("records"):
            where = f" in {row[kind]} of {row['splits']} splits" if row["splits"] > 1 else ""
            model = words.model_name(row["method"], row["backbone"].replace(NO_NETWORK, ""))
            notes.append(say(key, model, words.dataset_pair(row["dataset"], row["test_dataset"]), where))
    return notes


def _about_size(summary: pd.DataFrame) -> list[str]:
    notes = []
    for dataset, rows in summary.groupby("test_dataset", sort=False):
        images, contents, splits = (int(rows[name].max()) for name in ("images", "contents", "splits"))
        reasons = []
        if contents < FEW_CONTENTS:
            count = f"{plural(images, 'test image')} of {plural(contents, 'content')}"
            reasons.append(f"{count}, so intervals are wide, and small differences do not show")
        if splits < FEW_SPLITS and (rows["dataset"] == dataset).any():
            count = "one split says nothing" if splits == 1 else f"{splits} splits say little"
            reasons.append(f"{count} about the spread")
        if reasons:
            notes.append(f"Small data, {dataset}: {'; '.join(reasons)}.")
    return notes
