"""What the page shows of each experiment, and what all of them came to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mosforge.plan import layout
from mosforge.report.differences import IMAGES, Difference, Predictions, paired_differences
from mosforge.report.figures import Bar, bars, matrix
from mosforge.report.methods import BOTH, method_of
from mosforge.report.notes import PROXY, proxy_words
from mosforge.report.splits import SplitTable, split_tables
from mosforge.report.summary import number, signed
from mosforge.report.svg import Picture, file_stem
from mosforge.report.tables import Table, build_table

_TITLES = {
    "table1": "Synthetic distortions, within each dataset (the paper's Table 1)",
    "table2": "Authentic distortions, within each dataset (the paper's Table 2)",
    "table3": "Trained on one dataset, tested on another (the paper's Table 3)",
    "ablation": "What each kind of pretraining is worth (the paper's Fig. 3)",
}


@dataclass(frozen=True)
class Experiment:
    """Everything the page shows of one experiment; `missing` says why there is nothing else."""

    name: str
    title: str
    missing: str = ""
    table: Table | None = None
    gains: tuple[Difference, ...] = ()
    splits: tuple[SplitTable, ...] = ()
    pictures: tuple[Picture, ...] = ()


def experiment_section(
    name: str,
    correlations: pd.DataFrame | None,
    predictions: Predictions,
    *,
    proxies: Collection[str] = (),
    sizes: Mapping[str, int] | None = None,
    protocol: Mapping[str, Any] | None = None,
) -> Experiment:
    """The table, the gains, the bars and the matrices of an experiment."""
    title = _TITLES.get(name, name)
    if correlations is None:
        missing = f"{layout.CORRELATIONS.format(experiment=name)} is not there: not measured yet."
        return Experiment(name, title, missing)
    if correlations.empty:
        return Experiment(name, title, "Nothing was measured: no dataset of this experiment was there.")
    table = build_table(name, correlations, proxies=proxies, sizes=sizes, protocol=protocol)
    return Experiment(
        name,
        title,
        "",
        table,
        tuple(paired_differences(correlations, predictions)),
        tuple(split_tables(correlations)),
        (*_all_bars(table, proxies), *_matrices(table, proxies)),
    )


def _all_bars(table: Table, proxies: Collection[str]) -> list[Picture]:
    """A figure for each dataset that several models were tested on within it."""
    within = [test for train, test in table.pairs if train == test]
    return [_bars(table, test, proxies) for test in within if len(table.sroccs((test, test))) > 1]


def _bars(table: Table, dataset: str, proxies: Collection[str]) -> Picture:
    rows = [
        Bar(row.backbone or "no network", row.method, cell.value, cell.interval, cell.quartiles)
        for row, cell in table.sroccs((dataset, dataset))
    ]
    groups = [row.group for row in rows]
    rows.sort(key=lambda row: groups.index(row.group))
    several = any(cell.splits > 1 for _, cell in table.sroccs((dataset, dataset)))
    caption = (
        f"{dataset}: SROCC, median over splits. Thin line: 95% interval over resampled test images (median "
        "ends). Thick line: the middle half of the splits."
        if several
        else f"{dataset}: SROCC. Line: 95% interval over resampled test images."
    )
    name = file_stem("bars", table.experiment, dataset)
    return bars(rows, name=name, caption=caption + proxy_words({dataset}, proxies))


def _matrices(table: Table, proxies: Collection[str]) -> list[Picture]:
    """A figure for each method that was tested on other datasets than it was trained on."""
    values = [
        {"method": row.method, "backbone": row.backbone, "train": train, "test": test, "srocc": cell.value}
        for train, test in table.pairs
        if train != test
        for row, cell in table.sroccs((train, test))
    ]
    if not values:
        return []
    groups = pd.DataFrame(values).groupby(["backbone", "method"], sort=False)
    return [
        _matrix(table.experiment, str(backbone), str(method), rows, proxies)
        for (backbone, method), rows in groups
    ]


def _matrix(
    experiment: str, backbone: str, method: str, rows: pd.DataFrame, proxies: Collection[str]
) -> Picture:
    names = list(dict.fromkeys([*rows["train"], *rows["test"]]))
    # unlike pivot_table it averages nothing: two numbers for one cell are an error
    grid = rows.pivot(index="train", columns="test", values="srocc")  # noqa: PD010
    grid = grid.reindex(index=[name for name in names if name in grid.index], columns=names)
    model = f"{method}, {backbone}" if backbone else method
    caption = f"{model}: SROCC of every training and test dataset." + proxy_words(names, proxies)
    name = file_stem("matrix", experiment, *filter(None, (backbone, method)))
    return matrix(grid, rows="trained on", columns="tested on", name=name, caption=caption)


def findings(
    experiments: Sequence[Experiment], names: Mapping[str, str], proxies: Collection[str]
) -> list[str]:
    """What CLS+REG pretraining adds to ImageNet weights, one sentence a dataset, backbone and corpus.

    Where there is no CLS+REG, what the first method adds that the configuration names; none is chosen by
    what it scored.

    Args:
        experiments: of the page.
        names: initialisation -> name of its method, alike on the whole page.
        proxies: datasets whose scores are no human ones.
    """
    places: dict[tuple[str, str], list[Difference]] = {}
    for item in (item for experiment in experiments for item in experiment.gains):
        if item.against_imagenet and item.train == item.test:
            places.setdefault((item.test, item.backbone), []).append(item)
    chosen: dict[tuple[str, str, str], Difference] = {}
    for place, found in places.items():
        proposed = [item for item in found if method_of(item.initialisation) == BOTH]
        for item in proposed or found[:1]:
            chosen.setdefault((*place, item.initialisation), item)
    return [_finding(item, names[item.initialisation], proxies) for item in chosen.values()]


def _finding(item: Difference, method: str, proxies: Collection[str]) -> str:
    over = f"means over {item.splits} splits" if item.splits > 1 else "one split"
    note = f"; {PROXY}" if item.test in proxies else ""
    text = (
        f"{item.test}, {item.backbone}: SROCC {number(item.second)} from ImageNet weights alone, "
        f"{number(item.first)} after {method} pretraining ({over}, {item.images} test images{note})."
    )
    if not item.over:
        return f"{text} No interval of the difference can be told: it may be chance."
    what = "resampled test images" if item.over == IMAGES else "splits"
    told = f"{signed(item.low)} to {signed(item.high)}"
    text += f" The difference is {signed(item.value)}, its 95% interval over {what} {told}"
    if item.shows_nothing:
        return f"{text}: it contains zero, so no difference is shown."
    return f"{text}: all of it {'above' if item.low > 0 else 'below'} zero."
