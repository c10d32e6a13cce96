"""Distorted images with their pseudo-MOS beside rated images of the same type and level (paper, Fig. 1)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from mosforge.core import layout
from mosforge.core.schemas.datasets import DATASET
from mosforge.report.artefacts import Artefacts
from mosforge.report.blocks import Block, say
from mosforge.report.thumbnails import Thumbnail, data_uri, typical_image
from mosforge.report.words import number

SAME: Mapping[str, frozenset[str]] = {
    "gaussian_blur": frozenset({"Gaussian blur", "blur", "GBLUR"}),
    "white_noise": frozenset({"Additive Gaussian noise", "noise", "AWGN"}),
    "jpeg": frozenset({"JPEG compression", "jpeg", "JPEG"}),
    "jpeg2000": frozenset({"JPEG2000 compression", "jpeg 2000", "JP2K"}),
    "pink_noise": frozenset({"fnoise"}),
    "color_dither": frozenset({"Image color quantization with dither"}),
    "color_quantization": frozenset({"Image color quantization with dither", "Color_Quantization"}),
}
"""What TID2013, CSIQ and KADID-10k call a type of ours; a level has not the same strength in all of them."""


def beside_people(artefacts: Artefacts) -> Iterator[Block]:
    """For each corpus with levels and each rated dataset with types: the types that both have."""
    base = artefacts.results.parent
    for dataset in artefacts.cfg.validated:
        rated = artefacts.read(layout.DATASET, DATASET, dataset=dataset)
        if rated is None or dataset in artefacts.cfg.proxies:
            continue
        for corpus, labels in artefacts.labels.items():
            strips = [] if labels is None else list(_strips(labels, rated, base))
            if strips:
                yield Block("h3", f"{corpus} beside {dataset}")
                yield Block("p", say("beside_people", corpus, dataset))
                yield from strips


def _strips(labels: pd.DataFrame, rated: pd.DataFrame, base: Path) -> Iterator[Block]:
    levelled, rated = labels[labels["level"].notna()], rated[rated["level"].notna()]
    if levelled.empty:
        return
    ours = typical_image(levelled, "pmos", ["group", "level"], ["source", "image_id"])
    if not any((base / path).exists() for path in ours["path"]):
        return
    for group, rows in ours.groupby("group", sort=False):
        same = rated[rated["distortion_type"].isin(SAME.get(str(group), ()))]
        levels = sorted({*rows["level"].astype(int)} & {*same["level"].astype(int)})
        if not levels:
            continue
        theirs = typical_image(same, "quality", ["level"], ["reference"])
        items = [_row(rows, levels, "pmos", "pseudo-MOS", base), _row(theirs, levels, "quality", "MOS", base)]
        yield Block("div", items=[Block("h4", str(group).replace("_", " ")), *items], style="strip")


def _row(rows: pd.DataFrame, levels: list[int], score: str, word: str, base: Path) -> Block:
    shown = rows[rows["level"].isin(levels)].drop_duplicates("level").sort_values("level")
    thumbnails = []
    for path, level, value in zip(shown["path"], shown["level"], shown[score], strict=True):
        what = f"level {level:.0f}, {word}"
        thumbnails.append(Thumbnail(data_uri(base / path, square=True), what, [what, number(value)]))
    return Block("images", items=thumbnails, style="thumbs five")
