"""The card of a trained model as Markdown, for people; `card.json` holds the same facts for programs.

The trainings do not depend on this module's wording, so a change here reruns none of them.
"""

from collections.abc import Mapping
from typing import Any

from mosforge.models.classes import knows_classes

Card = Mapping[str, Any]

_MEASURES = (("srocc", "SROCC"), ("plcc", "PLCC"), ("plcc_mapped", "PLCC mapped"), ("krocc", "KROCC"))

_USE = """\
Ranking photographs and their versions by how good they look, without their originals: sorting, filtering,
choosing an encoder's settings, or as a baseline in research on image quality assessment."""

_LIMITS = """\
- It knows the kinds of pictures and of damage that it was trained on. Drawings, screenshots, text, medical
  pictures and results of generative models are outside.
- A score says how a picture looks, not whether it is true, beautiful, or right for a purpose; do not judge
  people or their work by it.
- Differences below the spread over crops mean little.
- The numbers on a test set hold for pictures like those of that set."""


def card_markdown(card: Card) -> str:
    """The text of `card.md`.

    Args:
        card: a model card that was checked (`models.folder.load_card`); of the facts that a training adds
            to those that are needed, whatever is there is told.
    """
    tuned = card["head"] == "score"
    title = card.get("dataset") if tuned else card.get("corpus")
    sections = [
        f"# {card['backbone']}: image quality" + (f", learned from {title}" if title else ""),
        _trained_on(card, tuned),
        "## How to use it\n\n" + _how(card),
        "## Agreement with the given scores\n\n" + _correlations(card),
        f"## Intended use\n\n{_USE}",
        f"## Limits\n\n{_LIMITS}",
        "## Licences\n\n" + _licences(card, tuned),
    ]
    return "\n\n".join(sections) + "\n"


def _trained_on(card: Card, tuned: bool) -> str:
    labels = card.get("labels", "not stated")
    lines = [f"- Labels: **{labels}**"]
    if tuned and "dataset" in card:
        part = "the training part" if card.get("split") != "full" else "all pictures"
        lines.append(f"- Data: {part} of the dataset `{card['dataset']}`, split `{card.get('split')}`")
    elif "corpus" in card:
        lines.append(f"- Data: the distorted pictures of the corpus `{card['corpus']}`")
    if "pictures" in card:
        lines.append(f"- Pictures: {card['pictures']:,}")
    if card.get("sources"):
        lines.append(f"- Photographs of the pretraining: {_names(card['sources'])}")
    if "initialisation" in card:
        start = card["initialisation"]
        begun = "ImageNet weights alone" if start == "imagenet" else f"the pretraining `{start}`"
        lines.append(f"- Started from: {begun}")
    for key, about in (
        ("data_digest", "Digest of pictures and labels"),
        ("initial_weights_sha256", "SHA-256 of the weights that it started from"),
        ("weights_sha256", "SHA-256 of the weights"),
    ):
        if key in card:
            lines.append(f"- {about}: `{card[key]}`")
    if "measured" in card:
        lines.append(
            "- Ran on: {device}; {images_per_second:,} images a second (the median of its epochs), "
            "{peak_memory_mib:,} MiB of memory at most".format(**card["measured"])
        )
    if "mosforge" in card:
        lines.append(f"- Made with mosforge {card['mosforge']}; the whole recipe is in `card.json`")
    return "## What it was trained on\n\n" + "\n".join(lines)


def _how(card: Card) -> str:
    low, high = card["range"]
    better = "higher" if card["higher_is_better"] else "lower"
    size = card["crop"]
    lines = [
        f"- Input: the mean over {card['test_crops']} random crops of {size}x{size} pixels, 8-bit RGB at the "
        "picture's own size; the normalisation is part of the network",
        f"- Output: quality on [0, 1], higher is better; and the score on {low:g} to {high:g}, "
        f"{better} is better",
    ]
    if knows_classes(card):
        kind = {
            "single": "one class",
            "multiple": "several labels",
            "both": f"one class of the first {card.get('single_classes')}, and several labels of the others,",
        }[card["label_kind"]]
        lines.append(f"- Distortions: {kind} of {len(card['classes'])}: {', '.join(card['classes'])}")
    lines.append("- `mosforge score PICTURE --model THIS_FOLDER`; nothing beside this folder is needed")
    return "\n".join(lines)


def _correlations(card: Card) -> str:
    rows = card.get("correlations", [])
    if not rows:
        return (
            "Not measured yet: a training never sees its test pictures. `mosforge export --format folder "
            "--correlations results/evaluation/EXPERIMENT.parquet` makes a copy of the model that tells them."
        )
    lines = [
        "| test pictures | number | " + " | ".join(name for _, name in _MEASURES) + " | RMSE |",
        "|---|---|" + "---|" * (len(_MEASURES) + 1),
    ]
    for row in rows:
        where = row["test_dataset"] + (" (test part)" if row["test_dataset"] == card.get("dataset") else "")
        cells = [_cell(row, key) for key, _ in (*_MEASURES, ("rmse", ""))]
        lines.append(f"| {where} | {row['images']:,} | " + " | ".join(cells) + " |")
    note = "In brackets: the 95% bootstrap interval over test pictures." if _has_intervals(rows) else ""
    proxy = "" if "not human" not in card.get("labels", "") else f"Labels: {card['labels']}."
    return "\n\n".join(part for part in ("\n".join(lines), note, proxy) if part)


def _has_intervals(rows: list[Card]) -> bool:
    return any(row.get("srocc_low") is not None for row in rows)


def _cell(row: Card, key: str) -> str:
    if row.get(key) is None:
        return "undefined"
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    ends = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
    return f"{row[key]:.3f}{ends}"


def _licences(card: Card, tuned: bool) -> str:
    lines = []
    if tuned:
        lines.append(f"- The dataset: {card.get('licence', 'not stated')}")
    if card.get("sources"):
        lines.append(f"- The photographs of {_names(card['sources'])}: those of their owners")
    lines += [
        "- The ImageNet weights that all training starts from: those of their publisher; ImageNet itself is "
        "for non-commercial research",
        "- Whether weights inherit the terms of the data that they were learned from is not settled: ask the "
        "owners of the data before a commercial use",
    ]
    return "\n".join(lines)


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
