"""What models make of distorted images that no training has seen: a table, and a section of the page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mosforge.core import layout
from mosforge.core.runs import FINETUNE, NO_ADAPTATION
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.sanity import SANITY
from mosforge.report.artefacts import Artefacts
from mosforge.report.blocks import Block, Cell, Grid, aligned, heads, model_cell, say, table
from mosforge.report.words import ZERO_SHOT, Start, interval, method_of, number, percent
from mosforge.statistics.sanity import COLUMNS, FOLLOWS, agreement_of, shares_of

NUMBERS = ["experiment", "method", "adaptation", "backbone", "dataset", "trainings", *COLUMNS]
"""The columns of the table; `dataset` is empty for a model that has seen no rated image."""

NAMES: Mapping[str, str] = {
    "falls": "falls at every step",
    "falls_but_one": "at all steps but one",
    "first": "original first",
    "above_level_1": "above level 1",
    "above_stronger": "above level 2 and stronger",
    "type": "type told",
    "class": "type and level told",
    FOLLOWS: "SROCC with the pseudo-MOS",
}
"""What the shares of `statistics.sanity` are called, in the order of their columns."""


def sanity_table(
    experiment: str,
    tables: Sequence[pd.DataFrame],
    names: Mapping[Start, str],
    labels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The shares of the models of an experiment, with the columns `NUMBERS`.

    Args:
        experiment: its name.
        tables: rows of the artefact `sanity`, a table a training; those of one model, by several splits and
            seeds, count together.
        names: of methods.
        labels: rows of the artefact `pmos` of the same images; without them there is no SROCC.
    """
    model = ["dataset", "backbone", "initialisation", "adaptation"]
    found: dict[tuple[Any, ...], list[pd.DataFrame]] = {}
    for rows in tables:
        found.setdefault(tuple(rows[model].fillna("").iloc[0]), []).append(rows)
    parts = []
    for (dataset, backbone, initialisation, adaptation), trainings in found.items():
        start = (initialisation, adaptation)
        tuned = names.get((initialisation, FINETUNE))
        alone = f"{tuned}{ZERO_SHOT}" if tuned and adaptation == NO_ADAPTATION else None
        method = names.get(start) or alone or method_of(*start, with_corpus=True)
        keys = {"method": method, "adaptation": adaptation, "backbone": backbone, "dataset": dataset}
        numbers = [shares_of(trainings), *([] if labels is None else [agreement_of(trainings, labels)])]
        parts.append(pd.concat(numbers).assign(experiment=experiment, trainings=len(trainings), **keys))
    return pd.concat(parts, ignore_index=True)[NUMBERS] if parts else pd.DataFrame(columns=NUMBERS)


def sanity_grid(numbers: pd.DataFrame) -> Grid:
    """The numbers of all types together, a row a model; one that no model has has no column."""
    joined = numbers[numbers["type"] == ""]
    shares = {share: name for share, name in NAMES.items() if share in set(joined["share"])}
    return _grid(joined, "share", shares, "Sanity")


def grid_by_type(numbers: pd.DataFrame, share: str) -> Grid:
    """One share, or the SROCC, of each type, a row a model."""
    of_types = numbers[(numbers["type"] != "") & (numbers["share"] == share)]
    return _grid(of_types, "type", {name: name.replace("_", " ") for name in of_types["type"]}, NAMES[share])


def _grid(numbers: pd.DataFrame, column: str, names: Mapping[str, str], label: str) -> Grid:
    """A row a model, and a column for each value of a column, under its name."""
    cells = []
    for row in numbers.to_dict("records"):
        model = [model_cell(row["method"], row["backbone"]), Cell(row["dataset"] or "–", style="text")]
        cells.append((model, row[column], _cell(row)))
    head = [Cell("method"), Cell("dataset", style="text"), *heads(*names.values())]
    return Grid(head, {"": aligned(cells, names)}, label=label, style="numbers wraps")


def _cell(row: Mapping[Any, Any]) -> Cell:
    low, high = row["low"], row["high"]
    is_srocc = row["share"] == FOLLOWS
    ends = interval(low, high) if is_srocc else f"{percent(low)} to {percent(high)}"
    small = [f"95%: {ends}"] if np.isfinite([low, high]).all() else []
    return Cell(number(row["value"]) if is_srocc else percent(row["value"]), small)


def notes(numbers: pd.DataFrame) -> list[str]:
    """What the numbers are, in sentences."""
    follows = ["sanity_pmos" if FOLLOWS in set(numbers["share"]) else "no_sanity_pmos"]
    texts = [say(key) for key in ("sanity_shares", *follows, "sanity_intervals")]
    return [say("sanity", numbers["images"].max()), *texts]


def sanity_numbers(artefacts: Artefacts) -> Iterator[tuple[str, pd.DataFrame]]:
    """The table of each experiment with models that scored the images of `evaluation.sanity`."""
    corpus = artefacts.cfg.sanity_corpus
    labels = artefacts.read(layout.LABELS, LABELS, corpus=corpus) if corpus else None
    for experiment, models in artefacts.cfg.sanity.items():
        read = [artefacts.read(layout.SANITY, SANITY, model=model) for model in models]
        scored = [rows for rows in read if rows is not None]
        numbers = sanity_table(experiment, scored, artefacts.names, labels)
        if len(numbers):
            yield experiment, numbers


def pretrained_blocks(tables: Mapping[str, pd.DataFrame]) -> Iterator[Block]:
    """What the pretrained models tell and score by themselves, of the tables of all experiments."""
    held_out = ("type", "class", FOLLOWS)
    rows = pd.concat([pd.DataFrame(columns=NUMBERS), *tables.values()])
    alone = (rows["adaptation"] == NO_ADAPTATION) & (rows["type"] == "")
    rows = rows[alone & rows["share"].isin(held_out)]
    rows = rows.drop_duplicates(["method", "backbone", "dataset", "share"])
    if len(rows):
        names = {share: NAMES[share] for share in held_out}
        yield table(_grid(rows, "share", names, "Pretrained models on images that no training has seen"))
    yield Block("notes", say("held_out" if len(rows) else "not_held_out"))


def sanity_section(tables: Mapping[str, pd.DataFrame]) -> Iterator[Block]:
    """The models of each experiment that scored the images of `evaluation.sanity`; nothing without any."""
    for experiment, numbers in tables.items():
        yield Block("h3", experiment)
        yield table(sanity_grid(numbers))
        yield Block("list", items=notes(numbers), style="notes")
        items = [
            block
            for share, name in NAMES.items()
            if share in set(numbers["share"])
            for block in (Block("h4", name), table(grid_by_type(numbers, share)))
        ]
        yield Block("details", "Each distortion type", items)
