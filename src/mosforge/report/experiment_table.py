"""The table of an experiment: measured rows beside the paper's, best and second best marked."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mosforge.core.runs import NO_NETWORK, RUN
from mosforge.core.schemas.correlations import MEASURES
from mosforge.report import words
from mosforge.report.blocks import Cell, Grid, aligned, heads, model_cell, say
from mosforge.report.notes import about_contents, table_notes
from mosforge.report.published import AVERAGE, pairs_of, published_for
from mosforge.report.settings import TableSettings
from mosforge.report.summary import over_trainings, per_split, summarise

_ROW = ["origin", "method", "backbone"]
_COLUMN = ["train_dataset", "test_dataset", "metric"]
_RANGES = ["q25", "q75", "low", "high"]
_CLEAN = ["clean", "clean_images"]
_COUNTS = ["splits", "trainings", "images"]
NUMBERS = ["experiment", *_ROW, *_COLUMN, "value", *_RANGES, *_COUNTS, *_CLEAN, "own_scale", "mark", "note"]
"""The columns of `ExperimentTable.numbers`."""


class ExperimentTable(NamedTuple):
    """All numbers of an experiment."""

    experiment: str  # its name
    # training and test dataset of its columns, in order; that of the weighted average is last
    pairs: Sequence[tuple[str, str]]
    # a row a number, in the order of the table, with the columns `NUMBERS`: `origin` is `measured` or
    # `published`; `value` the median over splits, or the published number; `q25` and `q75` the quartiles over
    # splits, if there are several; `low` and `high` the 95% interval over resampled test images (of several
    # splits the medians of the ends); `splits`, `trainings` (of a split) and `images` how many were measured;
    # `clean` the value without the test images whose content is trained on, and `clean_images` how many are
    # left, where there are any such images; `own_scale` an RMSE in the unit of the dataset's scores,
    # where that is another; `mark` is `best`, `second` or empty; `note` says if the scores
    # are a proxy
    numbers: pd.DataFrame
    notes: Sequence[str]  # lines that stand below it

    @property
    def measured(self) -> pd.DataFrame:
        """The measured numbers."""
        return self.numbers[self.numbers["origin"] == "measured"]

    def sroccs(self, pair: tuple[str, str]) -> pd.DataFrame:
        """The measured SROCC of one training and test dataset, a row a model."""
        rows = self.measured
        return rows[pairs_of(rows).isin([pair]) & (rows["metric"] == "srocc")]


def experiment_table(
    experiment: str,
    correlations: pd.DataFrame,
    cfg: TableSettings,
    used: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> ExperimentTable:
    """The table of an experiment.

    Args:
        experiment: its name; `table1`, `table2` and `table3` get the paper's rows for the same datasets.
        correlations: rows of the artefact `correlations`.
        cfg: what stands beside the numbers. Nothing published is set beside proxy scores, and they are in no
            average; a dataset without a size is weighted by its test images.
        used: corpus -> what it was made of (`deviations`), where that is known.
    """
    if correlations.empty:
        nothing = pd.DataFrame(columns=NUMBERS)
        return ExperimentTable(experiment, [], nothing, ["Nothing was measured."])
    summary = summarise(correlations)
    summary["method"] = words.methods(summary)
    pairs = list(dict.fromkeys(zip(summary["dataset"], summary["test_dataset"], strict=True)))
    human = [pair for pair in pairs if not {*pair} & set(cfg.proxies)]
    parts = [_measured(summary)]
    if len(human) > 1 and all(train == test for train, test in pairs):
        images = summary.groupby("test_dataset")["images"].max()
        weights = {test: cfg.sizes.get(test, int(images[test])) for _, test in human}
        parts.append(_averages(parts[0], weights))
        pairs.append((AVERAGE, AVERAGE))
    published = published_for(experiment, human)
    published = published[pairs_of(published).isin(pairs)].assign(origin="published", backbone="")
    numbers = _in_order(pd.concat([*parts, published], ignore_index=True), pairs)
    is_proxy = ~pairs_of(numbers).isin([*human, (AVERAGE, AVERAGE)])
    spans = {name: scale.span for name, scale in cfg.scales.items() if scale.span != 1}
    in_unit = numbers["value"] * numbers["test_dataset"].map(spans).astype(float)
    numbers = numbers.assign(
        experiment=experiment,
        own_scale=in_unit.where(numbers["metric"] == "rmse"),
        mark=_marks(numbers),
        note=np.where(is_proxy, words.PROXY, ""),
    )
    notes = table_notes(experiment, summary, human, cfg, has_published=not published.empty, used=used)
    return ExperimentTable(experiment, pairs, numbers[NUMBERS], [*notes, *about_contents(correlations)])


def _measured(summary: pd.DataFrame) -> pd.DataFrame:
    """A row for each model and measure."""
    counts = dict.fromkeys(("splits", "trainings", "images"), "Int64")
    models = summary[["method", *counts]].astype(counts)
    models["origin"], models["backbone"] = "measured", summary["backbone"].replace(NO_NETWORK, "")
    models[["train_dataset", "test_dataset"]] = summary[["dataset", "test_dataset"]]
    parts = []
    for measure in MEASURES:
        ranges = summary[[f"{measure}_{end}" for end in _RANGES]].set_axis(_RANGES, axis=1)
        ranges.loc[summary["splits"] == 1, ["q25", "q75"]] = np.nan
        values = models.assign(metric=measure, value=summary[measure], clean=summary[f"clean_{measure}"])
        values["clean_images"] = summary["clean_images"]
        parts.append(pd.concat([values, ranges], axis=1))
    return pd.concat(parts)


def _averages(measured: pd.DataFrame, weights: Mapping[str, int]) -> pd.DataFrame:
    """The mean over datasets, weighted by their number of images, of each model that was measured on all."""
    rows = measured[measured["test_dataset"].isin(weights)]
    averages = []
    for key, group in rows.groupby([*_ROW, "metric"], sort=False):
        if len(group) == len(weights):
            mean = np.average(group["value"], weights=[weights[name] for name in group["test_dataset"]])
            averages.append((*key, mean, AVERAGE, AVERAGE))
    return pd.DataFrame(averages, columns=[*_ROW, "metric", "value", "train_dataset", "test_dataset"])


def _in_order(numbers: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The numbers row by row, and within a row column by column."""
    row = numbers.groupby(_ROW, sort=False).ngroup().to_numpy()
    pair = pairs_of(numbers).map(pairs.index).to_numpy()
    measure = numbers["metric"].map(MEASURES.index).to_numpy()
    return numbers.iloc[np.lexsort((measure, pair, row))].reset_index(drop=True)


def _marks(numbers: pd.DataFrame) -> "pd.Series[Any]":
    """The best value of each column, and from three rows on the second best, at three decimals.

    An average of the paper's is another mean than ours (`plain_average`): beside one, none is marked.
    """
    rounded = numbers["value"].map(lambda value: round(value, 3))
    marks = pd.Series("", index=numbers.index)
    for key, rows in numbers.groupby(_COLUMN, sort=False):
        if len(rows) == 1 or (key[1] == AVERAGE and "published" in set(rows["origin"])):
            continue
        values = rounded[rows.index].dropna()
        ranks = sorted(set(values), reverse=key[2] != "rmse")
        for mark, value in zip(("best", "second") if len(rows) > 2 else ("best",), ranks, strict=False):
            marks[values.index[values == value]] = mark
    return marks


def paper_grid(table: ExperimentTable) -> Grid:
    """The columns that the paper's tables have: SROCC and PLCC, across datasets only SROCC."""
    columns = {pair: ("srocc", "plcc") if pair[0] == pair[1] else ("srocc",) for pair in table.pairs}
    over, head = [Cell("method")], [Cell("")]
    for pair, metrics in columns.items():
        rows = table.sroccs(pair)
        small = [f"{rows['images'].max()} images"] if pair[1] != AVERAGE else []
        if small and pair[0] == pair[1]:
            splits = words.span(rows["splits"])
            median = "" if splits == "1" else " (median)"
            small = [f"{small[0]}{median}, {splits} split{'' if splits == '1' else 's'}"]
            if rows["trainings"].max() > 1:
                small.append(f"up to {rows['trainings'].max()} trainings each")
        is_proxy = words.PROXY in set(rows["note"])
        over.append(Cell(words.dataset_pair(*pair), small, is_proxy=is_proxy, span=len(metrics)))
        head += [Cell(words.MEASURE_NAMES[metric]) for metric in metrics]
    keys = [(*pair, metric) for pair, metrics in columns.items() for metric in metrics]
    lines = {
        str(origin): aligned(map(_in_its_place, rows.to_dict("records")), keys)
        for origin, rows in table.numbers.groupby("origin", sort=False)
    }
    return Grid(head, lines, over=over, label=f"Correlations of {table.experiment}")


def _in_its_place(item: Mapping[Any, Any]) -> tuple[list[Cell], Any, Cell]:
    """The first cell of a number's row, its column, and the number with its ranges."""
    column = tuple(item[name] for name in _COLUMN)
    ranges = {"95%": (item["low"], item["high"]), "splits": (item["q25"], item["q75"])}
    small = [*words.clean(item["clean"]), *words.on_own_scale(item["own_scale"])]
    cell = words.value_cell(item["value"], ranges, *small, mark=item["mark"])
    return [model_cell(item["method"], item["backbone"])], column, cell


def legend(table: ExperimentTable) -> list[str]:
    """What the marks mean, and what stands in small print with the measured values."""
    count = len(table.numbers[_ROW].drop_duplicates())
    second = ", second best underlined" if count > 2 else ""
    marks = [f"Best value of a column bold{second}: {say('by_order')}."] if count else []
    measured = table.measured
    several = bool(measured["q25"].notna().any())
    texts = []
    if measured["low"].notna().any():
        ends = " (with several splits, the medians of its ends)" if several else ""
        texts.append(f"“95%” is the interval over 1,000 resamples of the contents of the test images{ends}")
        if (measured["trainings"] > 1).any():
            texts.append(say("trainings"))
    if several:
        texts.append("“splits” is the middle half of the splits (quartiles)")
    if measured["clean"].notna().any():
        texts.append(say("clean"))
    value = "Measured values are medians over the splits. " if several else ""
    return [*marks, *([f"{value}With a value, {'; '.join(texts)}."] if texts else [])]


def every_measure_grid(table: ExperimentTable) -> Grid:
    """All measures of the measured models, a row a model and pair of datasets."""
    cells = []
    for item in table.measured.assign(mark="").to_dict("records"):
        model, (*pair, metric), cell = _in_its_place(item)
        place = Cell(words.dataset_pair(*pair), style="text", is_proxy=bool(item["note"]))
        counts = heads(*("" if pd.isna(item[name]) else str(item[name]) for name in ("splits", "images")))
        cells.append(([*model, place, *counts], metric, cell))
    head = [Cell("method"), Cell("dataset", style="text"), Cell("splits"), Cell("images")]
    return Grid([*head, *heads(*words.MEASURE_NAMES.values())], {"": aligned(cells, MEASURES)})


def splits_frame(experiment: str, correlations: pd.DataFrame, proxies: Collection[str]) -> pd.DataFrame:
    """A row a model and split, with every measure and its interval, in the order of `per_split`."""
    rows = per_split(correlations).assign(experiment=experiment)
    is_proxy = rows["dataset"].isin(proxies) | rows["test_dataset"].isin(proxies)
    measures = [f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")]
    clean = ["clean_images", *(f"clean_{measure}" for measure in measures)]
    columns = ["experiment", "method", *RUN, "images", *measures, *clean, "mapping", "note"]
    return rows.assign(note=np.where(is_proxy, words.PROXY, ""))[columns]


def split_grids(experiment: str, correlations: pd.DataFrame, proxies: Collection[str]) -> list[Grid]:
    """For each dataset that was measured in several splits, the models in each split side by side."""
    rows = over_trainings(per_split(correlations))
    grids = []
    for dataset, within in rows[rows["dataset"] == rows["test_dataset"]].groupby("dataset", sort=False):
        images = within.groupby("split", sort=False)["images"].max()
        splits = {
            name: Cell(words.split_name(str(name)), [f"{count} images"]) for name, count in images.items()
        }
        cells = []
        for item in within.to_dict("records"):
            small = [f"PLCC {words.number(item['plcc'])}", *words.clean(item["clean_srocc"])]
            cell = words.value_cell(item["srocc"], {"95%": (item["srocc_low"], item["srocc_high"])}, *small)
            model = model_cell(item["method"], item["backbone"].replace(NO_NETWORK, ""))
            cells.append(([model], item["split"], cell))
        head = [Cell(str(dataset), is_proxy=dataset in proxies), *splits.values()]
        if len(splits) > 1:
            lines = aligned(cells, splits)
            grids.append(Grid(head, {"": lines}, label=f"Splits of {dataset} in {experiment}"))
    return grids
