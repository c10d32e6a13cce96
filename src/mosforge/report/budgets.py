"""Rating budgets: SROCC against the number of rated images that a method was given."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from mosforge.core.runs import NO_ADAPTATION, NO_NETWORK, budget_of
from mosforge.report import words
from mosforge.report.blocks import Cell, Grid, aligned, heads, model_cell
from mosforge.report.gains import Predictions, gains_of
from mosforge.report.summary import summarise

ALL = "all"
"""In the place of a number of ratings: the whole training part."""


def gains_by_budget(
    experiment: str, correlations: pd.DataFrame, predictions: Predictions, proxies: Collection[str] = ()
) -> pd.DataFrame:
    """The gains of each number of ratings (see `gains_of`), with the column `ratings`; `all` comes last."""
    parts = list(_by_budget(correlations)) or [("", correlations)]
    gains = [gains_of(experiment, rows, predictions, proxies).assign(ratings=name) for name, rows in parts]
    return pd.concat(gains, ignore_index=True)


def _by_budget(correlations: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each number of ratings that is there, in rising order, then those of all ratings."""
    numbers = correlations["split"].map(budget_of).astype(float)
    for number, rows in correlations.groupby(numbers, dropna=False):
        yield ALL if pd.isna(number) else f"{number:.0f}", rows


def summarise_by_budget(correlations: pd.DataFrame) -> pd.DataFrame:
    """The summary of each model at each number of ratings, with the column `ratings`; `all` comes last."""
    parts = [summarise(rows).assign(ratings=name) for name, rows in _by_budget(correlations)]
    return pd.concat(parts, ignore_index=True) if parts else summarise(correlations).assign(ratings="")


def by_method(correlations: pd.DataFrame) -> pd.DataFrame:
    """The summary of each model at each number of ratings, with the columns `method` and `ratings`.

    A full-reference metric, which uses no rating, is left out; a zero-shot score is repeated at each number.
    """
    found = summarise_by_budget(correlations)
    is_trained = (found["adaptation"] != NO_ADAPTATION) | (found["backbone"] != NO_NETWORK)
    learns = found["initialisation"].isin(set(found.loc[found["ratings"] != ALL, "initialisation"]))
    found = found[is_trained | learns].reset_index(drop=True)
    level = found[(found["adaptation"] == NO_ADAPTATION) & (found["backbone"] != NO_NETWORK)]
    numbers = [name for name in dict.fromkeys(found["ratings"]) if name != ALL]
    repeated = [level.assign(ratings=name) for name in numbers]
    found = pd.concat([found, *repeated], ignore_index=True)
    order = {name: place for place, name in enumerate([*numbers, ALL])}
    found = found.sort_values("ratings", key=lambda names: names.map(order), kind="stable")
    return found.assign(method=words.methods(found)).reset_index(drop=True)


def by_figure(found: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    """The rows of each dataset pair and backbone; measures without a network stand in each of them."""
    for (train, test), rows in found.groupby(["dataset", "test_dataset"], sort=False):
        others = rows[rows["backbone"] == NO_NETWORK]
        for backbone, own in rows[rows["backbone"] != NO_NETWORK].groupby("backbone", sort=False):
            yield (str(train), str(test), str(backbone)), pd.concat([own, others])


def budget_grids(experiment: str, found: pd.DataFrame, proxies: Collection[str]) -> list[Grid]:
    """For each figure of `budget_curves` the numbers behind it: a row a method, a column a number."""
    grids = []
    for (train, test, backbone), rows in by_figure(found):
        place = f"{words.dataset_pair(train, test)}, {backbone}"
        cells = (
            ([model_cell(row["method"], "")], row["ratings"], _cell(row)) for row in rows.to_dict("records")
        )
        numbers = list(dict.fromkeys(rows["ratings"]))
        head = [Cell(place, is_proxy=bool({train, test} & set(proxies))), *heads(*numbers)]
        label = f"Ratings of {place} in {experiment}"
        grids.append(Grid(head, {"": aligned(cells, numbers)}, label=label))
    return grids


def _cell(row: Mapping[Any, Any]) -> Cell:
    what, ends = ("splits", ("q25", "q75")) if row["splits"] > 1 else ("95%", ("low", "high"))
    return words.value_cell(row["srocc"], {what: (row[f"srocc_{ends[0]}"], row[f"srocc_{ends[1]}"])})
